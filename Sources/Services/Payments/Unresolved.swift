import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.unresolved`: a permanent rejection by the gateway becomes one dead letter, which represents it until an operator has decided. Replaying it requests
/// the refund once more.
struct Unresolved: Sendable {
    /// Causes of the dead letter: the gateway rejects the refund; its payment is not the one that was requested.
    static let refundRefused = "refund-refused"
    static let paymentDiffers = "payment-differs"

    enum Plan: Sendable {
        case payment(Attempt)
        /// Nothing is left to decide.
        case settled
        /// It becomes the dead letter.
        case standing
        /// An operator has replayed the dead letter of this refund.
        case refundAgain(UUID)
        /// The same for a capture.
        case captureAgain
    }

    enum GatewayResult: Sendable {
        case refunded(GatewayPayment)
        case failed(Failure)
        /// Nothing is left to decide.
        case settled
        case refundAgain(UUID)
        case captureAgain
    }

    let gateways: Gateways
    let clock: any WallClock

    func begin(_ items: [IncomingMessage<UnresolvedPayment>], on transaction: any SQLConnection) async throws -> [Plan] {
        let orders = items.map(\.input.orderID)
        let now = clock.now()
        var attempts = try await Store.lock(orders, on: transaction)
        let ledger = try await RefundStore.ledger(of: items.filter { $0.input.refundID != nil }.map(\.input.orderID), on: transaction)
        let plans = items.map { item -> Plan in
            guard var attempt = attempts[item.input.orderID] else { return .standing }
            if let id = item.input.refundID {
                guard ledger[id]?.state == .needsOperator else { return .settled }
                // Delivered once more after it was set aside, it is set aside once more: only operators ask for the refund again.
                return item.request.isReplay ? .refundAgain(id) : .standing
            }
            if attempt.state == .uncaptured { return item.request.isReplay ? .captureAgain : .standing }
            guard attempt.state == .needsOperator else {
                // An authorization cannot be renewed: the letter only reports that it has ended.
                if attempt.state == .voided, attempt.detail == item.input.cause { return item.request.isReplay ? .settled : .standing }
                return attempt.state == .declined && attempt.detail == item.input.cause ? .standing : .settled
            }
            attempt.refundTries += 1
            // It cannot be settled by hand while the gateway may be refunding it.
            if attempt.intent != nil, attempt.whyNotRefundedAsAWhole == nil { attempt.sentUntil = now.addingTimeInterval(Charging.callLease) }
            return .payment(attempts.put(attempt))
        }
        try await Store.save(attempts, now: now, on: transaction)
        return plans
    }

    func resolve(_ items: [(item: IncomingMessage<UnresolvedPayment>, plan: Plan)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await resolve($0.item.input, $0.plan) }
    }

    private func resolve(_ payment: UnresolvedPayment, _ plan: Plan) async -> GatewayResult {
        let standing = Failure(payment.cause, payment.detail)
        switch plan {
        case .settled: return .settled
        case .standing: return .failed(standing)
        case .refundAgain(let id): return .refundAgain(id)
        case .captureAgain: return .captureAgain
        case .payment(let attempt):
            guard let intent = attempt.intent, attempt.whyNotRefundedAsAWhole == nil else { return .failed(standing) }
            do throws(GatewayError) {
                return .refunded(try await gateways[attempt.charge.gateway].refund(attempt.refundOfRest(intent: intent)))
            } catch {
                if case .refused(let detail) = error { return .failed(Failure(payment.cause, detail)) }
                return .failed(Failure(error))
            }
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<UnresolvedPayment>, plan: Plan, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let orders = items.map(\.item.input.orderID)
        var attempts = try await Store.lock(orders, on: transaction)
        var ledger = try await RefundStore.ledger(of: orders, on: transaction)
        let now = clock.now()
        let outcomes: [Outcome] = try items.map { item, plan, result in
            switch result {
            case .failed(let failure):
                // Without a clear answer, the call may still be in progress.
                if case .payment = plan, failure.remedy != .retry, var attempt = attempts[item.input.orderID], attempt.state == .needsOperator {
                    attempt.sentUntil = nil
                    attempts.put(attempt)
                }
                return .failed(failure)
            case .settled: return .done()
            case .captureAgain:
                guard var attempt = attempts[item.input.orderID], attempt.state == .uncaptured else { return .done() }
                attempt.state = .authorized
                attempt.refundTries += 1
                attempt = attempts.put(attempt)
                let event = attempt.event(.paymentChanged, "the payment is captured again")
                return .done(emit: [
                    try OutgoingMessage(.request(MessageName.advance), event),
                    try OutgoingMessage(.request(MessageName.capture), CapturePayment(orderID: attempt.order)),
                ])
            case .refunded(let payment):
                // This holds even if an operator has settled it in the meantime, because the gateway has returned the money.
                guard var attempt = attempts[item.input.orderID], attempt.state == .needsOperator || attempt.state == .settled else { return .done() }
                _ = attempt.learn(payment)
                (attempt.state, attempt.sentUntil) = (.refunded, nil)
                let news = ledger.learn(payment, of: &attempt, now: now)
                attempt = attempts.put(attempt)
                var messages = try attempt.messages(about: news)
                // It has failed since, and its event was here first.
                if attempt.state == .needsOperator { messages.append(try OutgoingMessage(.request(MessageName.unresolved), item.input)) }
                let event = attempt.event(.paymentChanged, attempt.report.state.rawValue)
                return .done(emit: messages + [try OutgoingMessage(.request(MessageName.advance), event)])
            case .refundAgain(let id):
                guard var attempt = attempts[item.input.orderID], var refund = ledger[id], refund.state == .needsOperator else { return .done() }
                guard refund.amount <= ledger.left(of: attempt) else {
                    return .failed(Failure(item.input.cause, "the refund exceeds what is left of the payment"))
                }
                refund.begin(round: refund.round + 1)
                ledger.put(refund)
                ledger.flag(&attempt)
                attempt = attempts.put(attempt)
                let call = try OutgoingMessage(.request(MessageName.performRefund), PerformRefund(refundID: id, orderID: attempt.order))
                return .done(emit: try attempt.messages(about: [refund]) + [call])
            }
        }
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }
}
