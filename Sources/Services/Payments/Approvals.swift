import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.approvals.complete`: captures a payment that its customer has approved on the gateway's pages. T1 commits that a capture may begin; then the gateway is
/// asked for the payment and, if it is approved, to capture it; T2 commits the result.
///
/// Only the payment that an attempt names is ever captured, and only before its void is requested: so a payment at the gateway that no attempt names, or whose
/// attempt is to be voided, can take no money.
struct Approvals: Sendable {
    enum Plan: Sendable {
        case settled
        /// Another capture may be under way.
        case busy
        case look(Attempt)
    }

    enum GatewayResult: Sendable {
        case settled
        case payment(GatewayPayment)
        /// The gateway rejects the capture itself, or has a different payment under this id: our mistake.
        case refused(String)
        case failed(Failure)
        /// The call failed, but the capture may have been carried out.
        case unknown(Failure)
    }

    let gateways: Gateways
    let clock: any WallClock

    func findWaiting(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await Store.Unfinished.approval.requests(at: clock.now(), on: transaction) { ApprovedPayment(orderID: $0) }
    }

    func begin(_ items: [IncomingMessage<ApprovedPayment>], on transaction: any SQLConnection) async throws -> [Plan] {
        let now = clock.now()
        var attempts = try await Store.lock(items.map(\.input.orderID), on: transaction)
        let plans = items.map { item -> Plan in
            guard var attempt = attempts[item.input.orderID], attempt.isApprovable else { return .settled }
            guard !attempt.isBeingCaptured(at: now) else { return .busy }
            attempt.sentUntil = now.addingTimeInterval(Charging.callLease)
            return .look(attempts.put(attempt))
        }
        try await Store.save(attempts, now: now, on: transaction)
        return plans
    }

    func complete(_ items: [(item: IncomingMessage<ApprovedPayment>, plan: Plan)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await complete($0.plan) }
    }

    private func complete(_ plan: Plan) async -> GatewayResult {
        switch plan {
        case .settled: return .settled
        case .busy: return .failed(Failure("payment-in-flight", "another capture of the payment may be under way", remedy: .retry))
        case .look(let attempt):
            guard let intent = attempt.intent else { return .settled }
            var isSent = false
            do throws(GatewayError) {
                let gateway = try gateways[attempt.charge.gateway]
                // The gateway forgets payments that were not approved in time.
                guard let payment = try await gateway.retrieve(intent: intent) else { return .payment(attempt.expired(intent)) }
                // It will differ each time, so this is reported to an operator once, and nothing is captured.
                if let difference = attempt.difference(from: payment, at: attempt.charge.gateway) { return .refused(difference) }
                guard payment.awaitsCapture else { return .payment(payment) }
                // Once the lease has ended, a void may have found that nothing was captured.
                guard let sentUntil = attempt.sentUntil, clock.now().addingTimeInterval(Charging.longestCall) <= sentUntil else {
                    return .failed(Failure("lease-ended", "too late to capture the payment in this attempt", remedy: .retry))
                }
                isSent = true
                return .payment(try await gateway.captureApproved(payment))
            } catch {
                switch error {
                case .refused(let detail): return .refused(detail)
                case .unknown, .keySpent: return isSent ? .unknown(Failure(error)) : .failed(Failure(error))
                case .notSent: return .failed(Failure(error))
                }
            }
        }
    }

    func settle(
        _ items: [(item: IncomingMessage<ApprovedPayment>, plan: Plan, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let orders = items.map(\.item.input.orderID)
        var attempts = try await Store.lock(orders, on: transaction)
        var ledger = try await RefundStore.ledger(of: orders, on: transaction)
        let now = clock.now()
        let outcomes: [Outcome] = try items.map { item, plan, result in
            guard case .look(let asked) = plan, var attempt = attempts[item.input.orderID] else { return Self.outcome(of: result) }
            let before = attempt
            // This capture gives its lease back; a capture that has begun since keeps its own.
            if attempt.hasLease(of: asked) { attempt.sentUntil = nil }
            switch result {
            case .settled: break
            // The capture may still be under way, so the lease stays.
            case .unknown(let failure): return .failed(failure)
            case .failed(let failure):
                if attempt != before { attempts.put(attempt) }
                return .failed(failure)
            case .refused(let detail):
                guard attempt.state == .requiresAction else { break }
                (attempt.state, attempt.detail, attempt.clientSecret) = (.declined, Charging.refusal, nil)
                attempt = attempts.put(attempt)
                let letter = UnresolvedPayment(orderID: attempt.order, cause: Charging.refusal, detail: detail)
                return .done(emit: try [OutgoingMessage(.request(MessageName.unresolved), letter)] + attempt.messages(since: before, refunds: []))
            case .payment(let payment):
                if let difference = attempt.difference(from: payment, at: asked.charge.gateway) { return .failed(Failure("payment-differs", difference)) }
                let unleased = attempt
                _ = attempt.learn(payment)
                let news = ledger.learn(payment, of: &attempt, now: now)
                guard attempt != unleased || !news.isEmpty else { break }
                attempt = attempts.put(attempt)
                return .done(emit: try attempt.messages(since: before, refunds: news))
            }
            if attempt != before { attempts.put(attempt) }
            return .done()
        }
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }

    private static func outcome(of result: GatewayResult) -> Outcome {
        switch result {
        case .failed(let failure), .unknown(let failure): .failed(failure)
        // Recorded, because it may be a webhook's message: an audit looks for it in the inbox.
        case .settled, .payment, .refused: .done(note: "nothing to capture")
        }
    }
}

extension Attempt {
    /// Whether the customer may still approve the payment, and it may then be captured.
    var isApprovable: Bool { charge.gateway.redirects && state == .requiresAction && !voidRequested }

    /// Whether a capture has begun so recently that it may still be under way.
    func isBeingCaptured(at now: Date) -> Bool {
        guard charge.gateway.redirects, let sentUntil else { return false }
        return now < sentUntil
    }

    /// Whether the lease is still that of `other`. Compared with a tolerance, because the database keeps microseconds; two leases are more than a minute apart.
    fileprivate func hasLease(of other: Attempt) -> Bool {
        guard let sentUntil, let lease = other.sentUntil else { return false }
        return abs(sentUntil.timeIntervalSince(lease)) < 0.001
    }

    /// What is known about a payment that the gateway no longer has.
    fileprivate func expired(_ intent: String) -> GatewayPayment {
        GatewayPayment(status: .cancelled(intent: intent), order: order, amount: charge.amount)
    }
}
