import Contracts
import FoundationEssentials
import Testing
import WebClient

@testable import Payments

/// Stripe's answers to a refund, and the payment as it is afterwards.
private struct RefundingStripe: HTTPTransport {
    let status: Int
    let answer: String
    var refunded = 0

    func send(_ request: WebRequest) async throws -> WebResponse {
        if request.method == "POST" { return WebResponse(status: status, body: Array(answer.utf8)) }
        let payment = """
            {"id": "pi_1", "status": "succeeded", "amount": 500, "currency": "eur", "latest_charge": {"amount_refunded": \(refunded), "disputed": false}}
            """
        return WebResponse(status: 200, body: Array(payment.utf8))
    }
}

@Suite struct StripeRefundTests {
    private func refund(_ stripe: RefundingStripe) async throws -> GatewayPayment {
        try await StripeGateway(transport: stripe, key: "sk_test").refund(intent: "pi_1", idempotencyKey: UUID())
    }

    @Test func `the refunded amount is read from Stripe afterwards`() async throws {
        #expect(try await refund(RefundingStripe(status: 200, answer: #"{"object": "refund"}"#, refunded: 500)).refunded == 500)
    }

    @Test func `a charge that was already refunded counts as refunded`() async throws {
        let answer = #"{"error": {"type": "invalid_request_error", "code": "charge_already_refunded", "message": "m"}}"#
        #expect(try await refund(RefundingStripe(status: 400, answer: answer, refunded: 500)).refunded == 500)
    }

    @Test(arguments: ["charge_disputed", "balance_insufficient", "a code of tomorrow"])
    func `any other refusal is final, and names the code`(code: String) async throws {
        let answer = #"{"error": {"type": "invalid_request_error", "code": "\#(code)", "message": "m"}}"#
        await #expect {
            try await refund(RefundingStripe(status: 400, answer: answer))
        } throws: { error in
            if case GatewayError.refused(let detail) = error { detail.contains(code) } else { false }
        }
    }

    /// Only Stripe's own refusal proves that nothing was charged.
    @Test(arguments: [
        (404, #"{"error": {"type": "invalid_request_error", "message": "m"}}"#, true), (400, #"{"error": {"type": "idempotency_error", "message": "m"}}"#, false),
        (302, "", false), (404, "<html>not here</html>", false), (408, "{}", false), (425, "", false), (500, #"{"error": {"type": "api_error"}}"#, false),
    ])
    func `an answer to a charge that may have been carried out is not a refusal`(status: Int, answer: String, isRefusal: Bool) async throws {
        let charge = Charge(
            order: UUID(), orderNumber: "W-1", amount: Contracts.Money(amount: 500, currency: "EUR"), paymentMethod: "pm", idempotencyKey: UUID())
        await #expect {
            _ = try await StripeGateway(transport: RefundingStripe(status: status, answer: answer), key: "sk_test").charge(charge)
        } throws: { error in
            switch error {
            case GatewayError.refused: isRefusal
            case GatewayError.unknown: !isRefusal
            default: false
            }
        }
    }

    @Test func `a server error is not final`() async throws {
        await #expect {
            try await refund(RefundingStripe(status: 500, answer: "{}"))
        } throws: { error in
            if case GatewayError.unknown = error { true } else { false }
        }
    }

    /// The state in `payment_intent.created`, and in a lookup between creation and confirmation.
    @Test func `a payment for which no card was tried is neither declined nor anything else`() throws {
        let text = #"{"id": "pi_1", "status": "requires_payment_method", "amount": 500, "currency": "eur", "last_payment_error": null}"#
        let payment = try StripeIntent.read(text)
        #expect(payment.status == .open(intent: "pi_1"))
        let declined = try StripeIntent.read(text.replacing("null", with: #"{"code": "card_declined", "decline_code": "lost_card"}"#))
        #expect(declined.status == .declined(intent: "pi_1", code: "lost_card"))
    }
}

extension StripeIntent {
    fileprivate static func read(_ text: String) throws -> GatewayPayment {
        try JSONDecoder().decode(StripeIntent.self, from: Data(text.utf8)).payment
    }
}
