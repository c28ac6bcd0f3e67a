import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.extras.undo`: an order has one payment. Any other one at the gateway is cancelled or refunded.
struct Extras: Sendable {
    let gateway: any PaymentGateway

    func find(_ items: [IncomingMessage<UndoExtraPayment>], on transaction: any SQLConnection) async throws -> [Attempt?] {
        let attempts = try await Store.find(items.map(\.input.orderID), on: transaction)
        return items.map { attempts[$0.input.orderID] }
    }

    /// Why each could not be undone; nil when no money is kept.
    func undo(_ items: [(item: IncomingMessage<UndoExtraPayment>, plan: Attempt?)]) async throws -> [Failure?] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await undo($0.item.input, beside: $0.plan) }
    }

    private func undo(_ extra: UndoExtraPayment, beside own: Attempt?) async -> Failure? {
        guard own?.intent != extra.intent else { return Failure("payment-differs", "\(extra.intent) is the order's own payment") }
        do throws(GatewayError) {
            guard var payment = try await gateway.retrieve(intent: extra.intent) else {
                return Failure("payment-differs", "the gateway does not know \(extra.intent)")
            }
            guard payment.order == extra.orderID else { return Failure("payment-differs", "\(extra.intent) is not a payment of the order") }
            switch payment.status {
            case .requiresAction, .open, .declined:
                payment = try await gateway.cancel(intent: extra.intent, idempotencyKey: key(extra, "cancel"))
            case .succeeded, .cancelled: break
            }
            if payment.isPaid { payment = try await gateway.refund(intent: extra.intent, idempotencyKey: key(extra, "refund")) }
            return payment.isLive ? Failure("gateway-unknown", "\(extra.intent) could not be cancelled", remedy: .retry) : nil
        } catch {
            if case .refused(let detail) = error { return Failure(Unresolved.refundRefused, detail) }
            return Failure(error)
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<UndoExtraPayment>, plan: Attempt?, result: Failure?)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        items.map { _, _, failure in failure.map(Outcome.failed) ?? .done() }
    }

    private func key(_ extra: UndoExtraPayment, _ what: String) -> UUID {
        UUID.v5(namespace: extra.orderID, name: "\(what) \(extra.intent)")
    }
}
