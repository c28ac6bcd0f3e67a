import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.extras.undo`: an order has one payment. Any other one at the gateway is cancelled or refunded; one that cannot be is unclaimed money.
struct Extras: Sendable {
    enum GatewayResult: Sendable {
        /// No money is kept.
        case undone
        case refused(Failure, GatewayPayment)
        case failed(Failure)
    }

    let gateways: Gateways
    let clock: any WallClock

    func find(_ items: [IncomingMessage<UndoExtraPayment>], on transaction: any SQLConnection) async throws -> [Attempt?] {
        let attempts = try await Store.find(items.map(\.input.orderID), on: transaction)
        return items.map { attempts[$0.input.orderID] }
    }

    func undo(_ items: [(item: IncomingMessage<UndoExtraPayment>, plan: Attempt?)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await undo($0.item.input, beside: $0.plan) }
    }

    private func undo(_ extra: UndoExtraPayment, beside own: Attempt?) async -> GatewayResult {
        guard own?.intent != extra.intent else { return .failed(Failure("payment-differs", "\(extra.intent) is the order's own payment")) }
        do throws(GatewayError) {
            // If neither names a gateway, the payment is at the first one, as all payments were before attempts named their gateways.
            let gateway = try gateways[extra.gateway ?? own?.charge.gateway ?? .stripe]
            guard var payment = try await gateway.retrieve(intent: extra.intent) else {
                return .failed(Failure("payment-differs", "the gateway does not know \(extra.intent)"))
            }
            guard payment.order == extra.orderID else { return .failed(Failure("payment-differs", "\(extra.intent) is not a payment of the order")) }
            switch payment.status {
            case .requiresAction, .authorized, .open, .declined:
                payment = try await gateway.cancel(intent: extra.intent, idempotencyKey: key(extra, "cancel"))
            case .succeeded, .cancelled: break
            }
            guard payment.isPaid else {
                return payment.isLive ? .failed(Failure("gateway-unknown", "\(extra.intent) could not be cancelled", remedy: .retry)) : .undone
            }
            do throws(GatewayError) {
                let call = RefundCall(
                    intent: extra.intent, order: extra.orderID, refundID: key(extra, "refund of"), amount: nil, idempotencyKey: key(extra, "refund all of"))
                return try await gateway.refund(call).isLive
                    ? .failed(Failure("gateway-unknown", "\(extra.intent) could not be refunded", remedy: .retry)) : .undone
            } catch {
                guard case .refused(let detail) = error else { throw error }
                return .refused(Failure(Unresolved.refundRefused, detail), payment)
            }
        } catch {
            if case .refused(let detail) = error { return .failed(Failure(Unresolved.refundRefused, detail)) }
            return .failed(Failure(error))
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<UndoExtraPayment>, plan: Attempt?, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var found: [UnclaimedPayment] = []
        var undone: [String] = []
        let outcomes = items.map { item, _, result -> Outcome in
            switch result {
            case .undone:
                undone.append(item.input.intent)
                return .done()
            case .refused(let failure, let payment):
                found.append(UnclaimedPayment(intent: item.input.intent, order: item.input.orderID, amount: payment.amount, detail: failure.detail))
                return .failed(failure)
            case .failed(let failure): return .failed(failure)
            }
        }
        try await UnclaimedPayment.add(found, now: clock.now(), on: transaction)
        try await UnclaimedPayment.settle(undone, now: clock.now(), on: transaction)
        return outcomes
    }

    private func key(_ extra: UndoExtraPayment, _ what: String) -> UUID {
        UUID.v5(namespace: extra.orderID, name: "\(what) \(extra.intent)")
    }
}
