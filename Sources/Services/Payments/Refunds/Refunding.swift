import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.refunds.perform`: requests a recorded refund from the gateway. T1 commits that the gateway is about to be called, it is called with the refund's
/// key, T2 commits the result. After a call whose answer was lost the gateway is asked for its refunds before it is called again.
struct Refunding: Sendable {
    enum Plan: Sendable {
        case settled
        case call(Attempt, Refund, mayHaveBeenSent: Bool)
    }

    enum GatewayResult: Sendable {
        case settled
        case payment(GatewayPayment)
        /// With the payment as the gateway has it, where it could be read: it may explain the rejection.
        case refused(String, GatewayPayment? = nil)
        case keySpent(Failure)
        case failed(Failure)
    }

    /// How long a pending refund is left to its message and the gateway's events, in seconds; doubled each time, up to the longest.
    static let retryAfter = 120.0
    static let longestRetryAfter = 3600.0
    static let pendingAtOnce = 100

    let gateways: Gateways
    let clock: any WallClock

    /// If the message or an event is lost, the row still is pending.
    func findPending(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let pending = try await RefundStore.takePending(
            limit: Self.pendingAtOnce, retryAfter: Self.retryAfter, longest: Self.longestRetryAfter, now: clock.now(), on: transaction)
        return try pending.map {
            try OutgoingMessage(.request(MessageName.performRefund), $0.refund, origin: UUID.v5(namespace: $0.refund.refundID, name: "look \($0.look)"))
        }
    }

    func begin(_ items: [IncomingMessage<PerformRefund>], on transaction: any SQLConnection) async throws -> [Plan] {
        let orders = Array(Set(items.map(\.input.orderID)))
        let attempts = try await Store.lock(orders, on: transaction)
        var ledger = try await RefundStore.ledger(of: orders, on: transaction)
        let now = clock.now()
        let plans = items.map { item -> Plan in
            guard let attempt = attempts[item.input.orderID], var refund = ledger[item.input.refundID], refund.state == .pending else { return .settled }
            let mayHaveBeenSent = refund.askedAt != nil || refund.gatewayID != nil
            // An order that was given up is refunded as a whole.
            if attempt.voidRequested, !mayHaveBeenSent { return .settled }
            refund.askedAt = refund.askedAt ?? now
            refund.renewKey(now: now)
            ledger.put(refund)
            return .call(attempt, refund, mayHaveBeenSent: mayHaveBeenSent)
        }
        try await RefundStore.save(ledger, now: now, on: transaction)
        return plans
    }

    func perform(_ items: [(item: IncomingMessage<PerformRefund>, plan: Plan)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await perform($0.plan) }
    }

    private func perform(_ plan: Plan) async -> GatewayResult {
        guard case .call(let attempt, let refund, let mayHaveBeenSent) = plan, let intent = attempt.intent else { return .settled }
        do throws(GatewayError) {
            let gateway = try gateways[attempt.charge.gateway]
            if mayHaveBeenSent {
                guard let payment = try await gateway.retrieve(intent: intent) else { return .refused("the gateway does not know \(intent)") }
                if refund.gatewayID != nil || refund.isShown(by: payment) { return .payment(payment) }
            }
            // Whether a spent key has hidden a refund is known only after a while.
            if refund.keySpentAt != nil { return .failed(Failure("gateway-error", "the result of the refund cannot be found yet", remedy: .retry)) }
            do throws(GatewayError) {
                return .payment(try await gateway.refund(refund.call(intent: intent, currency: attempt.charge.amount.currency)))
            } catch {
                guard case .refused(let detail) = error else { throw error }
                return .refused(detail, try await gateway.retrieve(intent: intent))
            }
        } catch {
            switch error {
            case .refused(let detail): return .refused(detail)
            case .keySpent: return .keySpent(Failure(error))
            case .unknown, .notSent: return .failed(Failure(error))
            }
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<PerformRefund>, plan: Plan, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let orders = Array(Set(items.map(\.item.input.orderID)))
        var attempts = try await Store.lock(orders, on: transaction)
        var ledger = try await RefundStore.ledger(of: orders, on: transaction)
        let now = clock.now()
        let outcomes: [Outcome] = try items.map { item, plan, result in
            guard var attempt = attempts[item.input.orderID], var refund = ledger[item.input.refundID] else {
                return .failed(Failure("refund-missing", "there is no refund \(item.input.refundID.lowerCaseText)"))
            }
            let before = attempt
            var others: [Refund] = []
            switch result {
            case .failed(let failure): return .failed(failure)
            case .keySpent(let failure):
                if case .call(_, let asked, _) = plan, asked.key == refund.key, refund.keySpentAt == nil {
                    refund.keySpentAt = now
                    ledger.put(refund)
                }
                return .failed(failure)
            case .settled:
                guard refund.state == .pending, refund.askedAt == nil, attempt.voidRequested else { return .done() }
                refund.settle(.nothingLeft, "all of the payment is returned")
            case .refused(let detail, let payment):
                // The answer to an earlier round says nothing about this one.
                guard refund.isOnItsWay, case .call(_, let asked, _) = plan, asked.round == refund.round else { return .done() }
                if let payment, attempt.difference(from: payment, at: attempt.charge.gateway) == nil { others = ledger.learn(payment, of: &attempt, now: now) }
                if let known = ledger[refund.id], !known.isOnItsWay {
                    attempt = attempts.put(attempt)
                    return .done(emit: try attempt.messages(since: before, refunds: others))
                }
                // Nothing is left to refund: all of it was refunded otherwise.
                if attempt.hasReturnedAll || attempt.voidRequested {
                    refund.settle(.nothingLeft, detail)
                } else {
                    (refund.state, refund.detail) = (.needsOperator, detail)
                }
            case .payment(let payment):
                if let difference = attempt.difference(from: payment, at: attempt.charge.gateway) { return .failed(Failure("payment-differs", difference)) }
                var learned = ledger
                _ = attempt.learn(payment)
                let news = learned.learn(payment, of: &attempt, now: now)
                // Nothing is taken over then: a failure reports nothing.
                guard learned[refund.id]?.isOnItsWay == false else {
                    return .failed(Failure("gateway-unknown", "the gateway does not show the refund yet", remedy: .retry))
                }
                ledger = learned
                guard attempt != before || !news.isEmpty else { return .done() }
                attempt = attempts.put(attempt)
                return .done(emit: try attempt.messages(since: before, refunds: news))
            }
            ledger.put(refund)
            ledger.flag(&attempt)
            attempt = attempts.put(attempt)
            return .done(emit: try attempt.messages(since: before, refunds: others + [refund]))
        }
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }
}
