import Contracts
import FoundationEssentials
import Payments
import Runtime
import ShopClient

/// PayPal's payments, each read by the id that the payment service has for it: PayPal's list of transactions lags by hours, so it would show false differences.
///
/// This finds no payment that the payment service does not know. Such a payment takes no money, because Wharf alone captures it.
struct PayPalLedger: Sendable {
    /// Payments read in one pass. Each takes two requests, so a pass takes about half an hour at most.
    static let maximumPayments = 20_000
    static let maximumConcurrent = 8

    let gateway: any PaymentGateway

    /// The payments by order. PayPal forgets payments that are not captured in time; their orders have none.
    func payments(of orders: [AuditedOrder]) async throws -> [UUID: [LedgerPayment]] {
        let known = orders.compactMap { order in order.charge?.intent.map { (order: order.id, intent: $0) } }
        let found = try await known.concurrentMap(limit: Self.maximumConcurrent) { order, intent async throws(AuditError) -> (order: UUID, payment: LedgerPayment?) in
            do throws(GatewayError) {
                let payment = try await gateway.retrieve(intent: intent)
                return (order, payment.map { LedgerPayment($0, intent) })
            } catch {
                throw AuditError.unreadable("PayPal's payment \(intent): \(error)")
            }
        }
        return Dictionary(found.map { ($0.order, [$0.payment].compactMap(\.self)) }, uniquingKeysWith: +)
    }
}

extension LedgerPayment {
    fileprivate init(_ payment: GatewayPayment, _ intent: String) {
        self.init(
            id: intent, orderId: payment.order?.uuidString, currency: payment.amount.currency, captured: payment.captured, refunded: payment.refunded)
    }
}
