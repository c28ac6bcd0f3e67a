import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.capture`: captures the payment of an order that was only authorized, once goods are shipped. The shipment stands even if the capture fails: when the
/// gateway permanently rejects it, the payment needs an operator.
struct Capturing: Sendable {
    /// Causes of a dead letter: the gateway rejects the capture; the authorization has ended before anything was shipped.
    static let refused = "capture-refused"
    static let ended = "authorization-ended"
    /// The detail of a payment whose goods were shipped after its authorization had ended.
    static let endedDetail = "the authorization has ended"

    enum GatewayResult: Sendable {
        case settled
        case payment(GatewayPayment)
        case refused(String)
        case failed(Failure)
    }

    let gateways: Gateways
    let clock: any WallClock

    /// If the message is lost, the row still requests the capture.
    func findUncaptured(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await Store.Unfinished.capture.requests(at: clock.now(), on: transaction) { CapturePayment(orderID: $0) }
    }

    func begin(_ items: [IncomingMessage<CapturePayment>], on transaction: any SQLConnection) async throws -> [Attempt?] {
        let now = clock.now()
        var attempts = try await Store.lock(items.map(\.input.orderID), on: transaction)
        for order in Set(items.map(\.input.orderID)) {
            guard var attempt = attempts[order], attempt.state == .authorized, !attempt.captureRequested, !attempt.voidRequested else { continue }
            attempt.captureRequested = true
            attempts.put(attempt)
        }
        try await Store.save(attempts, now: now, on: transaction)
        return items.map { attempts[$0.input.orderID] }
    }

    func capture(_ items: [(item: IncomingMessage<CapturePayment>, plan: Attempt?)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await capture($0.plan) }
    }

    private func capture(_ attempt: Attempt?) async -> GatewayResult {
        guard let attempt, attempt.state == .authorized, !attempt.voidRequested, let intent = attempt.intent else { return .settled }
        do throws(GatewayError) {
            // Under a new key each time an operator asks again, because the gateway repeats its answer to a key.
            let key = UUID.v5(namespace: attempt.order, name: "capture \(attempt.refundTries)")
            return .payment(try await gateways[attempt.charge.gateway].capture(intent: intent, idempotencyKey: key))
        } catch {
            if case .refused(let detail) = error { return .refused(detail) }
            return .failed(Failure(error))
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<CapturePayment>, plan: Attempt?, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts = try await Store.lock(items.map(\.item.input.orderID), on: transaction)
        let outcomes: [Outcome] = try items.map { item, plan, result in
            guard var attempt = attempts[item.input.orderID] else { return .done() }
            let before = attempt
            switch result {
            case .settled:
                // The authorization ended before anything was shipped, so nothing pays for the goods.
                guard attempt.state == .voided, !attempt.voidRequested, attempt.charge.isCapturedLater else { return .done() }
                (attempt.state, attempt.detail) = (.uncaptured, Self.endedDetail)
            case .failed(let failure): return .failed(failure)
            case .refused(let detail):
                // The answer to an earlier request says nothing about this one.
                guard attempt.state == .authorized, attempt.refundTries == plan?.refundTries else { return .done() }
                (attempt.state, attempt.detail) = (.uncaptured, detail)
            case .payment(let payment):
                if let difference = attempt.difference(from: payment, at: attempt.charge.gateway) { return .failed(Failure("payment-differs", difference)) }
                _ = attempt.learn(payment)
            }
            guard attempt != before else { return .done() }
            attempt = attempts.put(attempt)
            return .done(emit: try attempt.messages(since: before, refunds: []))
        }
        try await Store.save(attempts, now: clock.now(), on: transaction)
        return outcomes
    }
}
