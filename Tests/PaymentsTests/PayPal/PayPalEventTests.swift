import Contracts
import FoundationEssentials
import Messaging
import Secrets
import Testing

@testable import Payments

/// The payment that an event is about; nothing else in the event is used.
@Suite struct PayPalEventTests {
    private static func read(_ type: String, _ resource: String) throws -> GatewayEvent {
        let body = #"{"id": "WH-1", "event_type": "\#(type)", "resource": \#(resource)}"#
        return try PayPalEvent.read(Request(id: UUID(), operation: "payments.webhooks.paypal", body: Array(body.utf8)))
    }

    private static let order = PaymentFixture.order.lowerCaseText

    static let resources: [(type: String, resource: String, kind: GatewayEvent.Kind, intent: String?, namesOrder: Bool)] = [
        ("CHECKOUT.ORDER.APPROVED", #"{"id": "5O", "purchase_units": [{"custom_id": "\#(order)"}]}"#, .approved, "5O", true),
        ("CHECKOUT.ORDER.COMPLETED", #"{"id": "5O", "purchase_units": [{"custom_id": "\#(order)"}]}"#, .succeeded, "5O", true),
        ("CHECKOUT.ORDER.VOIDED", #"{"id": "5O"}"#, .cancelled, "5O", false),
        ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", #"{"order_id": "5O"}"#, .paymentFailed, "5O", false),
        ("PAYMENT.CAPTURE.COMPLETED", #"{"id": "C", "custom_id": "\#(order)", "supplementary_data": {"related_ids": {"order_id": "5O"}}}"#, .succeeded, "5O", true),
        ("PAYMENT.CAPTURE.COMPLETED", #"{"id": "C", "custom_id": "\#(order)"}"#, .succeeded, "captures/C", true),
        ("PAYMENT.CAPTURE.DENIED", #"{"id": "C"}"#, .paymentFailed, "captures/C", false),
        ("PAYMENT.CAPTURE.DECLINED", #"{"id": "C"}"#, .paymentFailed, "captures/C", false),
        ("PAYMENT.CAPTURE.REFUNDED", #"{"id": "R", "custom_id": "\#(order)", "links": [{"rel": "up", "href": "https://x/v2/payments/captures/C"}]}"#, .moneyMoved, "captures/C", false),
        ("PAYMENT.CAPTURE.REVERSED", #"{"id": "R", "supplementary_data": {"related_ids": {"capture_id": "C"}}}"#, .moneyMoved, "captures/C", false),
        ("PAYMENT.REFUND.PENDING", #"{"id": "R", "supplementary_data": {"related_ids": {"order_id": "5O"}}}"#, .moneyMoved, "5O", false),
        ("PAYMENT.REFUND.FAILED", #"{"id": "R", "links": [{"rel": "self", "href": "https://x/y"}]}"#, .moneyMoved, nil, false),
        ("CUSTOMER.DISPUTE.CREATED", #"{"dispute_id": "D", "disputed_transactions": [{"seller_transaction_id": "C"}]}"#, .moneyMoved, "captures/C", false),
        ("CUSTOMER.DISPUTE.UPDATED", #"{"dispute_id": "D", "disputed_transactions": [{"seller_transaction_id": "C"}]}"#, .moneyMoved, "captures/C", false),
        ("CUSTOMER.DISPUTE.RESOLVED", #"{"dispute_id": "D"}"#, .moneyMoved, nil, false),
    ]

    @Test(arguments: resources.indices) func `each type names its payment`(place: Int) throws {
        let row = Self.resources[place]
        let hint = try #require(try Self.read(row.type, row.resource).hint)
        #expect("\(hint.kind)" == "\(row.kind)")
        #expect(hint.intent == row.intent)
        #expect(hint.order == (row.namesOrder ? PaymentFixture.order : nil))
    }

    @Test func `each type that has an effect has an example here`() {
        #expect(Set(Self.resources.map(\.type)) == Set(PayPalEvent.Kind.allCases.map(\.rawValue)))
    }

    @Test(arguments: ["BILLING.PLAN.CREATED", "PAYMENT.CAPTURE.PENDING", "A.TYPE.OF.TOMORROW"])
    func `an event of any other type has no effect, whatever its resource is`(type: String) throws {
        #expect(try Self.read(type, "7").hint == nil)
    }

    @Test(arguments: ["", "{}", #"{"id": "WH-1"}"#, #"{"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED"}"#])
    func `a body that is not a PayPal event is a failure that is kept`(body: String) {
        #expect(throws: Failure.self) { try PayPalEvent.read(Request(id: UUID(), operation: "payments.webhooks.paypal", body: Array(body.utf8))) }
    }
}
