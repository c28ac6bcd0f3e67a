import FoundationEssentials
import ShopClient
import WebClient

/// The payments of a gateway, by its own account.
protocol GatewayLedger: Sendable {
    /// Hands over every payment, a page at a time. `start` may leave out payments made before it.
    func walk(since start: Date?, _ body: ([LedgerPayment]) -> Void) async throws
}

/// The sandbox's ledger: all of it, the oldest first.
struct SandboxLedger: GatewayLedger {
    /// The position of one walk.
    static let limit = Duration.seconds(600)

    let url: String
    let key: String?
    /// Whether it also stands in for PayPal.
    let hasPayPal: Bool
    let transport: any HTTPTransport

    func walk(since start: Date?, _ body: ([LedgerPayment]) -> Void) async throws {
        let shop = Shop(transport: transport, url: url, token: key, deadline: .now + Self.limit, onRetry: { _ in })
        try await LedgerReader(sandbox: shop).walk(body)
        if hasPayPal { try await LedgerReader(sandbox: shop).walk(of: .payPal, body) }
    }
}

/// The part of a ledger that belongs to one slice of orders, by order.
struct LedgerSlice: Sendable {
    let range: AuditRange
    private(set) var payments: [UUID: [LedgerPayment]] = [:]

    init(_ range: AuditRange) {
        self.range = range
    }

    mutating func add(_ page: [LedgerPayment]) {
        for payment in page {
            guard let order = payment.order, range.contains(order) else { continue }
            payments[order, default: []].append(payment)
        }
    }

    mutating func take(_ order: UUID) -> [LedgerPayment] {
        payments.removeValue(forKey: order) ?? []
    }
}
