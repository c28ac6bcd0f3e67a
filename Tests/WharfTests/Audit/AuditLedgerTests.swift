import Contracts
import FoundationEssentials
import Messaging
import Payments
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

    @Test func `amounts that Stripe counts in units of its own are read in the currency's minor units`() async throws {
        let order = #""orderId": "7d6b9a54-2f5f-4a68-9a5a-0d4ce6f1a001""#
        let line = #"{"id": "pi_1", \#(order), "currency": "ugx", "captured": 10000, "refunded": 100}"#
        let transport = Pages([
            (200, #"{"payments": [\#(line)], "hasMore": false}"#), (200, #"{"payments": [{"id": "PP1", \#(order), "currency": "huf", "captured": 17500, "refunded": 0}], "hasMore": false}"#),
        ])
        var found: [LedgerPayment] = []
        try await SandboxLedger(url: "http://sandbox.example", key: nil, hasPayPal: true, transport: transport).walk(since: nil) { found += $0 }
        #expect(found.map(\.captured) == [100, 17_500] && found.map(\.refunded) == [1, 0])
        let intent = intent("pi_2", received: 10_000, charge: #"{"amount_refunded": 100}"#).replacing("eur", with: "ugx").replacing(#""amount": 500"#, with: #""amount": 10000"#)
        let stripe = StripeLedger(transport: Pages([(200, #"{"data": [\#(intent)], "has_more": false}"#)]), key: "sk_test_none", base: "https://stripe.example")
        try await stripe.walk(since: nil) { found += $0 }
        #expect(found.last?.captured == 100 && found.last?.refunded == 1)
    }

    @Test func `an authorization that was released is not a refund`() async throws {
        let released = intent("pi_1", received: 0, charge: #"{"amount_refunded": 500}"#)
        let inPart = intent("pi_2", received: 300, charge: #"{"amount_refunded": 250}"#)
        var found: [LedgerPayment] = []
        let ledger = StripeLedger(transport: Pages([(200, #"{"data": [\#(released), \#(inPart)], "has_more": false}"#)]), key: "sk_test_none", base: "https://stripe.example")
        try await ledger.walk(since: nil) { found += $0 }
        #expect(found.map(\.refunded) == [0, 50] && found.map(\.kept) == [0, 250])
    }

    /// Knows one captured payment, and no other.
    private struct PayPal: PaymentGateway {
        let name = GatewayName.paypal
        let order: UUID
        var isAway = false

        func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment? {
            if isAway { throw .unknown("timed out") }
            guard intent == "PP1" else { return nil }
            return GatewayPayment(status: .succeeded(intent: intent), order: order, amount: Money(amount: 500, currency: "EUR"), refunded: 100)
        }

        func event(_ request: Request) throws -> GatewayEvent { throw GatewayError.notSent("") }
        func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment { throw .notSent("") }
        func find(order: UUID) async throws(GatewayError) -> [GatewayPayment] { [] }
        func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment] { [] }
        func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment { throw .notSent("") }
        func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment { throw .notSent("") }
    }

    private func order(_ intent: String?, _ id: UUID) -> AuditedOrder {
        let total = Money(amount: 500, currency: "EUR")
        var charge = AuditedCharge(order: id, state: "succeeded", amount: total, isToBeVoided: false, intent: intent, updatedAt: .distantPast, refunded: 100, refundsMade: 100)
        charge.gateway = .paypal
        var order = AuditedOrder(
            id: id, number: "W-1", cart: UUID(), lines: nil, total: total, placedAt: .distantPast, saga: nil, changedAt: .distantPast)
        order.charge = charge
        return order
    }

    @Test func `PayPal's payments are read by their ids`() async throws {
        let ids = (0..<3).map { _ in UUID() }
        let ledger = PayPalLedger(gateway: PayPal(order: ids[0]))
        let found = try await ledger.payments(of: [order("PP1", ids[0]), order("PP2", ids[1]), order(nil, ids[2])])
        #expect(found[ids[0]]?.map(\.kept) == [400] && found[ids[1]]?.isEmpty == true && found[ids[2]] == nil)
        await #expect(throws: AuditError.self) { try await PayPalLedger(gateway: PayPal(order: ids[0], isAway: true)).payments(of: [order("PP1", ids[0])]) }
    }

    @Test func `an audit says how many of PayPal's payments it has read`() {
        var tally = AuditTally(Judge(now: .distantPast, grace: 1, backlog: BrokerBacklog()))
        #expect(tally.notes.isEmpty)
        tally.compare(payPal: 2, of: 2)
        #expect(tally.notes == ["PayPal: 2 payments were read by id."])
        tally.compare(payPal: 1, of: 4)
        #expect(tally.notes.first?.contains("3 more were compared only with") == true)
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
