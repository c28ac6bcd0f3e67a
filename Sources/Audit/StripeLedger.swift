import Contracts
import FoundationEssentials
import JSON
import Messaging
import ShopClient
import Terminal
import WebClient

/// Stripe's list of PaymentIntents, the newest first; each comes with its latest charge, which holds what was refunded.
struct StripeLedger: GatewayLedger {
    /// Stripe's largest page.
    private static let pageSize = 100
    private static let timeout = Duration.seconds(30)
    /// 20 million payments; some hours of requests.
    private static let maximumPages = 200_000

    let transport: any HTTPTransport
    let key: String
    /// Without a slash at the end.
    let base: String

    func walk(since start: Date?, _ body: ([LedgerPayment]) -> Void) async throws {
        // Brackets, escaped: expand[] and created[gte].
        let created = start.map { "&created%5Bgte%5D=\(Int($0.timeIntervalSince1970))" } ?? ""
        var position = ""
        for _ in 0..<Self.maximumPages {
            let page = try await page("limit=\(Self.pageSize)&expand%5B%5D=data.latest_charge\(created)\(position)")
            body(page.data.map(\.payment))
            guard page.hasMore, let last = page.data.last else { return }
            position = "&starting_after=\(last.id)"
        }
        throw LoadError(.unavailable, "Stripe has more than \(Self.maximumPages * Self.pageSize) payments; --since leaves older ones out")
    }

    private func page(_ query: String) async throws -> StripePage {
        let response = try await transport.send(
            WebRequest(
                method: "GET", url: "\(base)/v1/payment_intents?\(query)", headers: [(name: "Authorization", value: "Bearer \(key)")], body: [],
                timeout: Self.timeout))
        guard response.status == 200, let page = try? JSON.decode(StripePage.self, from: response.body) else {
            throw LoadError(.unavailable, "Stripe answered a list of payments with status \(response.status).")
        }
        return page
    }
}

/// One page of the list, as far as an audit needs it.
struct StripePage: Sendable, Decodable {
    struct Charge: Sendable, Decodable {
        let refunded: Int

        private enum CodingKeys: String, CodingKey {
            case refunded = "amount_refunded"
        }
    }

    struct Intent: Sendable, Decodable {
        let id: String
        let status: String?
        let currency: String
        let created: Int
        let amount: Int
        let received: Int
        /// Nil before the first attempt to charge.
        let charge: Charge?
        let metadata: [String: String]

        private enum CodingKeys: String, CodingKey {
            case id, status, currency, created, amount, metadata
            case received = "amount_received"
            case charge = "latest_charge"
        }

        var payment: LedgerPayment {
            LedgerPayment(
                id: id, orderId: metadata["order_id"], currency: currency, captured: received, refunded: refunded,
                createdAt: Date(timeIntervalSince1970: Double(created)), status: status
            ).fromStripe
        }

        /// The amount refunded. Stripe also counts the part of an authorization that was released without being captured.
        private var refunded: Int { max((charge?.refunded ?? 0) - max(amount - received, 0), 0) }
    }

    let data: [Intent]
    let hasMore: Bool

    private enum CodingKeys: String, CodingKey {
        case data
        case hasMore = "has_more"
    }
}
