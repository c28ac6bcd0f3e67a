import FoundationEssentials
import Messaging
import WebClient

/// The payments that a gateway has, by its own account.
protocol GatewayLedger: Sendable {
    /// Hands over every payment, a page at a time. `start` may leave out what was made before it.
    func walk(since start: Date?, _ body: ([LedgerPayment]) -> Void) async throws
}

/// The sandbox's: all of it, the oldest first.
struct SandboxLedger: GatewayLedger {
    /// Of one walk.
    static let limit = Duration.seconds(600)

    let url: String
    let transport: any HTTPTransport

    func walk(since start: Date?, _ body: ([LedgerPayment]) -> Void) async throws {
        let shop = Shop(transport: transport, url: url, deadline: .now + Self.limit, onRetry: { _ in })
        try await LedgerReader(sandbox: shop).walk(body)
    }
}

/// Stripe's list of PaymentIntents, the newest first; the list tells of each what its latest charge has refunded.
struct StripeLedger: GatewayLedger {
    /// Stripe's largest page.
    private static let pageSize = 100
    private static let timeout = Duration.seconds(30)
    /// Payments; some hours of asking.
    private static let maximumPages = 200_000

    let transport: any HTTPTransport
    let key: String
    /// Without a slash at the end.
    let base: String

    struct Page: Decodable {
        struct Intent: Decodable {
            struct Charge: Decodable {
                let amount_refunded: Int?
            }

            let id: String
            let currency: String
            let created: Int
            let amount_received: Int?
            let latest_charge: Charge?
            let metadata: [String: String]?

            var payment: LedgerPayment {
                LedgerPayment(
                    id: id, orderId: metadata?["order_id"], currency: currency, captured: amount_received ?? 0,
                    refunded: latest_charge?.amount_refunded ?? 0, createdAt: Date(timeIntervalSince1970: Double(created)))
            }
        }

        let data: [Intent]
        let has_more: Bool
    }

    func walk(since start: Date?, _ body: ([LedgerPayment]) -> Void) async throws {
        let from = start.map { "&created[gte]=\(Int($0.timeIntervalSince1970))" } ?? ""
        var after = ""
        for _ in 0..<Self.maximumPages {
            let request = WebRequest(
                method: "GET", url: "\(base)/v1/payment_intents?limit=\(Self.pageSize)&expand[]=data.latest_charge\(from)\(after)",
                headers: [(name: "Authorization", value: "Bearer \(key)")], body: [], timeout: Self.timeout)
            let response = try await transport.send(request)
            guard response.status == 200, let page = try? JSON.decode(Page.self, from: response.body) else {
                throw LoadError(.unavailable, "Stripe answered a list of payments with \(response.status)")
            }
            body(page.data.map(\.payment))
            guard page.has_more, let last = page.data.last else { return }
            after = "&starting_after=\(last.id)"
        }
        throw LoadError(.unavailable, "Stripe has more than \(Self.maximumPages * Self.pageSize) payments; --since leaves older ones out")
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
