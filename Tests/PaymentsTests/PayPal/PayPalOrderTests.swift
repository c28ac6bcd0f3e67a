import Contracts
import FoundationEssentials
import JSON
import Secrets
import Testing

@testable import Payments

@Suite struct PayPalOrderTests {
    private static let page = "https://www.paypal.com/checkoutnow?token=5O"

    private static func order(_ status: String, capture: String? = nil, refunds: [(String, String)] = [], value: String = "5.00", link: String = "payer-action") throws -> PayPalOrder {
        let captures = capture.map { #"[{"id": "CAP", "status": "\#($0)", "amount": {"currency_code": "EUR", "value": "5.00"}, "status_details": {"reason": "WHY"}}]"# } ?? "[]"
        let list = refunds.enumerated().map { #"{"id": "R\#($0.offset)", "status": "\#($0.element.0)", "amount": {"currency_code": "EUR", "value": "\#($0.element.1)"}}"# }
        let text = """
            {"id": "5O", "status": "\(status)", "links": [{"rel": "\(link)", "href": "\(page)"}], "purchase_units": [{
             "custom_id": "\(PaymentFixture.order.lowerCaseText)", "amount": {"currency_code": "EUR", "value": "\(value)"},
             "payments": {"captures": \(captures), "refunds": [\(list.joined(separator: ","))]}}]}
            """
        return try JSON.decode(PayPalOrder.self, from: Array(text.utf8))
    }

    private static let waiting = PaymentStatus.requiresAction(intent: "5O", clientSecret: page)
    private static let paid = PaymentStatus.succeeded(intent: "5O")
    private static let open = PaymentStatus.open(intent: "5O")
    private static let declined = PaymentStatus.declined(intent: "5O", code: "WHY")

    static let table: [(status: String, capture: String?, means: PaymentStatus, awaitsCapture: Bool)] = [
        ("CREATED", nil, waiting, false), ("SAVED", nil, waiting, false), ("PAYER_ACTION_REQUIRED", nil, waiting, false), ("APPROVED", nil, open, true),
        ("VOIDED", nil, .cancelled(intent: "5O"), false), ("COMPLETED", nil, open, false), ("A_WORD_OF_TOMORROW", nil, open, false),
        ("COMPLETED", "COMPLETED", paid, false), ("COMPLETED", "PARTIALLY_REFUNDED", paid, false), ("COMPLETED", "REFUNDED", paid, false),
        ("COMPLETED", "PENDING", open, false), ("COMPLETED", "DECLINED", declined, false), ("COMPLETED", "FAILED", declined, false),
        ("COMPLETED", "A_WORD_OF_TOMORROW", open, false),
        // After a declined capture, the customer has approved another instrument.
        ("APPROVED", "DECLINED", open, true), ("APPROVED", "COMPLETED", paid, false), ("APPROVED", "PENDING", open, false),
    ]

    @Test(arguments: table.indices) func `each pair of states has one meaning`(place: Int) throws {
        let row = Self.table[place]
        let payment = try Self.order(row.status, capture: row.capture).payment
        #expect(payment.status == row.means)
        #expect(payment.awaitsCapture == row.awaitsCapture)
        #expect(payment.order == PaymentFixture.order)
        #expect(payment.amount == Money(amount: 500, currency: "EUR"))
    }

    @Test func `refunds that are on their way count, and those that have failed do not`() throws {
        let payment = try Self.order("COMPLETED", capture: "COMPLETED", refunds: [("COMPLETED", "1.00"), ("PENDING", "0.50"), ("FAILED", "2.00"), ("CANCELLED", "0.10")]).payment
        #expect(payment.refunded == 150)
        #expect(payment.isPaid)
    }

    @Test(arguments: ["5.001", "", "five", "-5.00"]) func `no decision is based on an amount that cannot be read`(value: String) {
        #expect(throws: (any Error).self) { try Self.order("APPROVED", value: value) }
    }

    @Test func `an order of more than one unit is not one of Wharf's`() {
        let unit = #"{"amount": {"currency_code": "EUR", "value": "5.00"}}"#
        let text = #"{"id": "5O", "status": "APPROVED", "purchase_units": [\#(unit), \#(unit)]}"#
        #expect(throws: (any Error).self) { try JSON.decode(PayPalOrder.self, from: Array(text.utf8)) }
    }

    @Test func `the page of an order without a payment source is found by its other name, and no other link is mistaken for it`() throws {
        #expect(try Self.order("CREATED", link: "approve").payment.status == Self.waiting)
        #expect(try Self.order("CREATED", link: "self").payment.status == Self.open)
    }

    @Test func `the name of a refund has its id and its round; any other text means a refund that was made at PayPal`() {
        let id = UUID()
        let name = PayPalRefundName(PayPalRefundName(refund: id, round: 3).text)
        #expect(name?.refund == id && name?.round == 3)
        for text in [nil, "", "INV-1", "\(id.lowerCaseText)", "\(id.lowerCaseText)/x", "\(id.lowerCaseText)/-1", "\(id.lowerCaseText)/1/2", "\(id.lowerCaseText)/99999"] {
            #expect(PayPalRefundName(text) == nil, "\(text ?? "nothing")")
        }
    }

    @Test(
        arguments: [
            ("OPEN", nil, "open"), ("UNDER_REVIEW", nil, "open"), ("RESOLVED", "RESOLVED_BUYER_FAVOUR", "lost"), ("RESOLVED", "ACCEPTED", "lost"), ("RESOLVED", nil, "lost"),
            ("RESOLVED", "RESOLVED_SELLER_FAVOUR", "won"), ("RESOLVED", "CANCELED_BY_BUYER", "won"), ("RESOLVED", "DENIED", "won"), ("RESOLVED", "RESOLVED_WITH_PAYOUT", "won"),
            ("RESOLVED", "A_WORD_OF_TOMORROW", "lost"),
        ] as [(String, String?, String)])
    func `a dispute that has ended is won only if PayPal says so`(status: String, code: String?, outcome: String) throws {
        let result = code.map { #", "dispute_outcome": {"outcome_code": "\#($0)"}"# } ?? ""
        let text = #"{"dispute_id": "PP-1", "status": "\#(status)", "dispute_amount": {"currency_code": "EUR", "value": "5.00"}\#(result)}"#
        let dispute = try JSON.decode(PayPalDispute.self, from: Array(text.utf8)).dispute
        #expect(dispute.outcome.rawValue == outcome)
        #expect(dispute.amount == 500)
    }
}
