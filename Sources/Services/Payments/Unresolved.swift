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

    enum Finding: Sendable {
        case refunded(GatewayPayment)
        case failed(Failure)
        /// Nothing is left to decide.
        case settled
    }

    let gateway: any PaymentGateway
    let clock: any WallClock

    func begin(_ items: [IncomingMessage<UnresolvedPayment>], on transaction: any SQLConnection) async throws -> [Attempt?] {
        var attempts = try await Store.lock(items.map(\.input.orderID), on: transaction)
        let plans = items.map { item -> Attempt? in
            guard var attempt = attempts[item.input.orderID] else { return nil }
            guard attempt.state == .needsOperator else { return attempt }
            attempt.refundTries += 1
            return attempts.put(attempt)
        }
        try await Store.save(attempts.changes, now: clock.now(), on: transaction)
        return plans
    }

    func resolve(_ items: [(item: IncomingMessage<UnresolvedPayment>, plan: Attempt?)]) async throws -> [Finding] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await resolve($0.item.input, $0.plan) }
    }

    private func resolve(_ payment: UnresolvedPayment, _ attempt: Attempt?) async -> Finding {
        let standing = Failure(payment.cause, payment.detail)
        guard let attempt else { return .failed(standing) }
        switch attempt.state {
        case .needsOperator:
            guard let intent = attempt.intent else { return .failed(standing) }
            do throws(GatewayError) {
                return .refunded(try await gateway.refund(intent: intent, idempotencyKey: attempt.refundKey))
            } catch {
                if case .refused(let detail) = error { return .failed(Failure(payment.cause, detail)) }
                return .failed(Failure(error))
            }
        case .declined where attempt.detail == payment.cause: return .failed(standing)
        default: return .settled
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<UnresolvedPayment>, plan: Attempt?, result: Finding)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts = try await Store.lock(items.map(\.item.input.orderID), on: transaction)
        let outcomes: [Outcome] = try items.map { item, _, finding in
            switch finding {
            case .failed(let failure): return .failed(failure)
            case .settled: return .done()
            case .refunded(let payment):
                guard var attempt = attempts[item.input.orderID], attempt.state == .needsOperator else { return .done() }
                _ = attempt.learn(payment)
                attempt.state = .refunded
                attempt = attempts.put(attempt)
                return .done(emit: [try OutgoingMessage(.request(MessageName.advance), attempt.event(.paymentChanged, "refunded"))])
            }
        }
        try await Store.save(attempts.changes, now: clock.now(), on: transaction)
        return outcomes
    }
}
