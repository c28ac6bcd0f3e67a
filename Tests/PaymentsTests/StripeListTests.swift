import Contracts
import FoundationEssentials
import Synchronization
import Testing
import WebClient

@testable import Payments

/// Stripe's list as made-up pages.
private final class PagedStripe: HTTPTransport {
    private let pages: [String]
    let asked = Mutex<[String]>([])

    init(_ pages: [String]) {
        self.pages = pages
    }

    func send(_ request: WebRequest) async throws -> WebResponse {
        let number = asked.withLock { asked in
            asked.append(request.url)
            return asked.count - 1
        }
        return WebResponse(status: 200, body: Array(pages[number % pages.count].utf8))
    }
}

@Suite struct StripeListTests {
    private let order = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
    private let start = Date(timeIntervalSince1970: 1_000_000)

    private func page(_ id: String, of order: UUID, hasMore: Bool) -> String {
        """
        {"object": "list", "has_more": \(hasMore), "data": [
            {"id": "\(id)", "status": "succeeded", "amount": 500, "currency": "eur", "latest_charge": {"amount_refunded": 20, "disputed": false},
             "metadata": {"order_id": "\(order.uuidString.lowercased())"}}]}
        """
    }

    @Test func `a payment is found on any page`() async throws {
        let stripe = PagedStripe([
            page("pi_1", of: UUID(), hasMore: true), page("pi_2", of: order, hasMore: true), page("pi_3", of: order, hasMore: false),
        ])
        let found = try await StripeGateway(transport: stripe, key: "sk_test").findForCertain(order: order, since: start)
        #expect(found.map(\.status) == [.succeeded(intent: "pi_2"), .succeeded(intent: "pi_3")], "a second one is noticed")
        #expect(found.allSatisfy { $0.order == order && $0.amount == Money(amount: 500, currency: "EUR") && $0.refunded == 20 })
        let asked = stripe.asked.withLock { $0 }
        #expect(asked.count == 3)
        #expect(asked[0].hasSuffix("/v1/payment_intents?expand%5B%5D=data.latest_charge&created%5Bgte%5D=999940&limit=100"))
        #expect(asked[1].hasSuffix("&starting_after=pi_1"))
    }

    /// Whoever reads them renews a lease.
    @Test func `progress is reported from page to page on the way to the oldest event`() async throws {
        let pages = (1...4).map { #"{"has_more": \#($0 < 4), "data": [{"id": "evt_\#($0)", "created": 1, "type": "t"}]}"# }
        var reports = 0
        let page = try await StripeGateway(transport: PagedStripe(pages), key: "sk_test").events(from: .since(start)) { () async throws(GatewayError) in reports += 1 }
        #expect(page?.entries.map(\.event.id) == ["evt_4"] && reports == 3)
    }

    /// Stripe counts what it releases of an authorization as refunded.
    @Test(arguments: [("canceled", 0, 500, 0), ("succeeded", 300, 250, 50), ("succeeded", 300, 200, 0), ("succeeded", 500, 500, 500)])
    func `what was released without being taken is not refunded`(status: String, received: Int, atStripe: Int, refunded: Int) async throws {
        let stripe = PagedStripe([
            """
            {"id": "pi_1", "status": "\(status)", "amount": 500, "amount_received": \(received), "currency": "eur", "metadata": {"order_id": "\(order.uuidString)"},
             "latest_charge": {"amount_refunded": \(atStripe), "disputed": false, "refunds": {"has_more": false, "data": [
                {"id": "re_1", "amount": \(atStripe), "currency": "eur", "status": "succeeded"}]}}}
            """
        ])
        let payment = try #require(try await StripeGateway(transport: stripe, key: "sk_test").retrieve(intent: "pi_1"))
        #expect(payment.refunded == refunded)
        #expect(payment.movements?.refunds.isEmpty == (received == 0))
    }

    @Test func `a missing payment is certain only at the end of the list`() async throws {
        let stripe = PagedStripe([page("pi_1", of: UUID(), hasMore: true), page("pi_2", of: UUID(), hasMore: false)])
        #expect(try await StripeGateway(transport: stripe, key: "sk_test").findForCertain(order: order, since: start) == [])
    }

    @Test func `a list too long to be certain is an unknown outcome`() async throws {
        let stripe = PagedStripe([page("pi_1", of: UUID(), hasMore: true)])
        await #expect {
            try await StripeGateway(transport: stripe, key: "sk_test").findForCertain(order: order, since: start)
        } throws: { error in
            if case GatewayError.unknown = error { true } else { false }
        }
        #expect(stripe.asked.withLock { $0.count } == StripeGateway.maximumPages)
    }
}
