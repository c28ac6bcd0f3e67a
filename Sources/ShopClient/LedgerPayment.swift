import Contracts
import FoundationEssentials
import Terminal
import WebClient

/// A payment in the sandbox's ledger. Amounts are in minor units.
package struct LedgerPayment: Sendable, Equatable, Decodable {
    package let id: String
    package let orderId: String?
    package let currency: String
    package let captured: Int
    package let refunded: Int
    package var createdAt: Date?
    /// In the gateway's words; nil where its ledger leaves it out.
    package var status: String?

    package init(
        id: String, orderId: String?, currency: String, captured: Int, refunded: Int, createdAt: Date? = nil, status: String? = nil
    ) {
        self.id = id
        self.orderId = orderId
        self.currency = currency
        self.captured = captured
        self.refunded = refunded
        self.createdAt = createdAt
        self.status = status
    }

    /// Nil for a payment that is not Wharf's.
    package var order: UUID? { orderId.flatMap(UUID.init(uuidString:)) }
    /// What the shop keeps of it in the end.
    package var kept: Int { captured - refunded }

    /// An amount of its currency, formatted for people.
    package func money(_ amount: Int) -> String { Money(amount: amount, currency: currency.uppercased()).text }
}

extension LedgerPayment {
    /// The same payment in the currency's minor units, if its amounts are as Stripe counts them. An amount that minor units cannot express stays as it is, and is
    /// reported as a difference.
    package var fromStripe: LedgerPayment {
        func minorUnits(_ amount: Int) -> Int { Money(stripeAmount: amount, currency: currency)?.amount ?? amount }
        return LedgerPayment(
            id: id, orderId: orderId, currency: currency, captured: minorUnits(captured), refunded: minorUnits(refunded), createdAt: createdAt, status: status)
    }
}

/// Reads the ledgers of the payment sandbox.
package struct LedgerReader: Sendable {
    package enum Ledger: String, Sendable {
        case stripe = "/_ledger"
        case payPal = "/_paypal/ledger"
    }

    /// The largest page that the sandbox gives.
    private static let pageSize = 10_000
    private static let maximumPages = 10_000

    package let sandbox: Shop

    package init(sandbox: Shop) {
        self.sandbox = sandbox
    }

    /// The payments of these orders, by order; walks through the whole ledger.
    package func payments(of orders: Set<UUID>) async throws -> [UUID: [LedgerPayment]] {
        var found: [UUID: [LedgerPayment]] = [:]
        try await walk { page in
            for payment in page {
                guard let order = payment.order, orders.contains(order) else { continue }
                found[order, default: []].append(payment)
            }
        }
        return found
    }

    /// Hands over every payment, the oldest first, a page at a time.
    /// - Throws: ``LoadError``, with code `refused` when the sandbox does not accept the key; `CancellationError`.
    package func walk(of ledger: Ledger = .stripe, _ body: ([LedgerPayment]) -> Void) async throws {
        struct Page: Decodable { let payments: [LedgerPayment]; let hasMore: Bool }
        var after: String?
        for _ in 0..<Self.maximumPages {
            let position = after.map { "&after=\($0)" } ?? ""
            let page: Page
            do {
                page = try await sandbox.reply(to: .get("\(ledger.rawValue)?limit=\(Self.pageSize)\(position)"))
            } catch let refusal as Refusal {
                let advice = refusal.status == 401 ? "; check its API key" : ""
                throw LoadError(.refused, "The payment sandbox at \(sandbox.url) refuses to show its ledger: \(refusal)\(advice)")
            }
            // Only Stripe counts some currencies in units of its own.
            body(ledger == .stripe ? page.payments.map(\.fromStripe) : page.payments)
            guard page.hasMore, let last = page.payments.last else { return }
            after = last.id
        }
        throw LoadError(.unavailable, "\(sandbox.url): the ledger has more than \(Self.maximumPages * Self.pageSize) payments.")
    }
}
