import FoundationEssentials
import Synchronization
import Testing
import WebClient

@testable import Audit
@testable import ShopClient

struct AuditLedgerTests {
    /// Answers with one page after another, and records the requests.
    private final class Pages: HTTPTransport {
        let asked = Mutex<[String]>([])
        let pages: [(status: Int, body: String)]

        init(_ pages: [(status: Int, body: String)]) { self.pages = pages }

        func send(_ request: WebRequest) async throws -> WebResponse {
            let place = asked.withLock { asked in
                asked.append(request.url)
                return asked.count - 1
            }
            return WebResponse(status: pages[place].status, headers: [], body: Array(pages[place].body.utf8))
        }
    }

    private func intent(_ id: String, received: Int, charge: String) -> String {
        """
        {"id": "\(id)", "object": "payment_intent", "currency": "eur", "created": 1780000000, "amount": 500, "amount_received": \(received),
         "latest_charge": \(charge), "metadata": {"order_id": "7d6b9a54-2f5f-4a68-9a5a-0d4ce6f1a001"}}
        """
    }

    @Test func `Stripe's list is read page by page, with captures and refunds`() async throws {
        let transport = Pages([
            (200, #"{"data": [\#(intent("pi_2", received: 500, charge: #"{"amount_refunded": 200}"#))], "has_more": true}"#),
            (200, #"{"data": [\#(intent("pi_1", received: 0, charge: "null"))], "has_more": false}"#),
        ])
        var found: [LedgerPayment] = []
        let ledger = StripeLedger(transport: transport, key: "sk_test_none", base: "https://stripe.example")
        try await ledger.walk(since: Date(timeIntervalSince1970: 1_779_999_999)) { found += $0 }
        #expect(found.map(\.id) == ["pi_2", "pi_1"])
        #expect(found.map(\.kept) == [300, 0])
        #expect(found.allSatisfy { $0.order != nil && $0.createdAt == Date(timeIntervalSince1970: 1_780_000_000) })
        let asked = transport.asked.withLock { $0 }
        #expect(asked.allSatisfy { $0.contains("created%5Bgte%5D=1779999999") })
        #expect(asked.last?.hasSuffix("&starting_after=pi_2") == true)
    }

    @Test func `an answer that is not a Stripe list is an error, not an empty ledger`() async {
        let ledger = StripeLedger(transport: Pages([(401, "{}")]), key: "sk_test_none", base: "https://stripe.example")
        await #expect(throws: LoadError.self) { try await ledger.walk(since: nil) { _ in } }
    }

    @Test func `a slice of the ledger holds its own orders only`() throws {
        func payment(_ order: UUID?) -> LedgerPayment {
            LedgerPayment(id: "pi", orderId: order?.uuidString, currency: "eur", captured: 1, refunded: 0)
        }
        let ids = (0..<4).map { _ in UUID() }.sorted()
        var slice = LedgerSlice(AuditRange(after: ids[0], upTo: ids[2]))
        slice.add(ids.map(payment) + [payment(nil), payment(ids[1])])
        #expect(slice.take(ids[0]).isEmpty)
        #expect(slice.take(ids[1]).count == 2)
        #expect(slice.take(ids[2]).count == 1)
        #expect(slice.payments.isEmpty)
    }
}
