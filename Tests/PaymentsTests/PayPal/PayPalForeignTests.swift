import FoundationEssentials
import Runtime
import Testing
import WebClient

@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// PayPal with made-up answers, by path.
private struct MadeUpPayPal: HTTPTransport {
    let answers: [String: (status: Int, body: String)]

    func send(_ request: WebRequest) async throws -> WebResponse {
        if request.url.hasSuffix("/v1/oauth2/token") {
            return WebResponse(status: 200, body: Array(#"{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}"#.utf8))
        }
        let path = String(request.url.dropFirst("http://paypal".count).prefix { $0 != "?" })
        let answer = answers[path] ?? (404, "{}")
        return WebResponse(status: answer.status, body: Array(answer.body.utf8))
    }
}

/// The account may have other payments than Wharf's, and PayPal reports those, too.
@Suite struct PayPalForeignTests {
    private static let capture = "/v2/payments/captures/C"
    private static let order = "/v2/checkout/orders/5O"
    private static let named = #"{"id": "C", "supplementary_data": {"related_ids": {"order_id": "5O"}}}"#

    private static let answers: [[String: (status: Int, body: String)]] = [
        [:],
        [capture: (403, "{}")],
        [capture: (200, #"{"id": "C"}"#)],
        [capture: (200, named)],
        [capture: (200, named), order: (403, "{}")],
        [capture: (200, named), order: (200, #"{"id": "5O", "status": "COMPLETED", "purchase_units": [{"custom_id": "a"}, {"custom_id": "b"}]}"#)],
        [capture: (200, named), order: (200, #"{"id": "5O", "status": "COMPLETED", "purchase_units": [{"custom_id": "order 7"}]}"#)],
    ]

    private func gateway(_ answers: [String: (status: Int, body: String)]) -> PayPalGateway {
        PayPalGateway(transport: MadeUpPayPal(answers: answers), clientID: "id", clientSecret: "secret", base: "http://paypal", clock: SetClock())
    }

    @Test(arguments: answers.indices) func `an event about a payment that is not Wharf's is ignored`(place: Int) async throws {
        let webhooks = Webhooks(gateway: gateway(Self.answers[place]), clock: SetClock())
        let body = #"{"id": "WH-1", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": {"disputed_transactions": [{"seller_transaction_id": "C"}]}}"#
        let request = Request(id: UUID(), operation: "payments.webhooks.paypal", body: Array(body.utf8))
        let item = IncomingMessage(request: request, input: try PayPalEvent.read(request))
        let result = try await webhooks.ask([(item, .ask(intent: PayPalEvent.intent(ofCapture: "C")))]).first
        guard case .ignored? = result else {
            Issue.record("\(String(describing: result))")
            return
        }
    }

    @Test func `a payment of Wharf's is read, without a dispute that cannot be`() async throws {
        let own = """
            {"id": "5O", "status": "COMPLETED", "purchase_units": [{"custom_id": "\(PaymentFixture.order.uuidString)", "amount": {"currency_code": "EUR", "value": "5.00"},
             "payments": {"captures": [{"id": "C", "status": "COMPLETED", "amount": {"currency_code": "EUR", "value": "5.00"}}]}}]}
            """
        let disputes = """
            {"items": [{"dispute_id": "D1", "status": "OPEN", "dispute_amount": {"currency_code": "EUR", "value": "five"}},
             {"dispute_id": "D2", "status": "OPEN", "dispute_amount": {"currency_code": "EUR", "value": "5.00"}}]}
            """
        let gateway = gateway([Self.capture: (200, Self.named), Self.order: (200, own), "/v1/customer/disputes": (200, disputes)])
        let found = try #require(try await gateway.retrieve(ofEvent: PayPalEvent.intent(ofCapture: "C")))
        #expect(found.order == PaymentFixture.order && found.status == .succeeded(intent: "5O"))
        #expect(found.movements?.disputes.map(\.id) == ["D2"])
    }
}
