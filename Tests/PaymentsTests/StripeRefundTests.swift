import Contracts
import FoundationEssentials
import JSON
import Synchronization
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
        try await StripeGateway(transport: stripe, key: "sk_test").refund(call())
    }

    private func call(_ amount: Money? = nil) -> RefundCall {
        RefundCall(intent: "pi_1", order: PaymentFixture.order, refundID: UUID(), amount: amount, idempotencyKey: UUID())
    }

    private final class Recorder: HTTPTransport {
        let bodies = Mutex<[String]>([])
        let answers: @Sendable (WebRequest) -> String

        init(answers: @escaping @Sendable (WebRequest) -> String) {
            self.answers = answers
        }

        func send(_ request: WebRequest) async throws -> WebResponse {
            bodies.withLock { $0.append(String(decoding: request.body, as: UTF8.self)) }
            return WebResponse(status: 200, body: Array(answers(request).utf8))
        }
    }

    /// Currencies without decimals were charged a hundredth elsewhere, and refunds follow the same rule.
    @Test(arguments: [("EUR", 500, 500), ("JPY", 500, 500), ("UGX", 500, 50_000), ("ISK", 500, 50_000), ("KWD", 1_230, 1_230), ("MGA", 500, 5)])
    func `a part is refunded in the amounts that Stripe counts in`(currency: String, amount: Int, asked: Int) async throws {
        let recorder = Recorder { _ in #"{"id": "pi_1", "status": "succeeded", "amount": 100000, "currency": "\#(currency.lowercased())"}"# }
        _ = try await StripeGateway(transport: recorder, key: "sk_test").refund(call(Money(amount: amount, currency: currency)))
        #expect(recorder.bodies.withLock { $0.first }?.split(separator: "&").contains("amount=\(asked)") == true)
    }

    @Test func `an amount that Stripe cannot represent is refused before anything is sent`() async throws {
        let recorder = Recorder { _ in "{}" }
        await #expect(throws: GatewayError.self) {
            _ = try await StripeGateway(transport: recorder, key: "sk_test").refund(call(Money(amount: 1_234, currency: "KWD")))
        }
        #expect(recorder.bodies.withLock { $0.isEmpty })
    }

    @Test func `a partial refund that is refused because all is refunded is not repeated with another key`() async throws {
        let answer = #"{"error": {"type": "invalid_request_error", "code": "charge_already_refunded", "message": "m"}}"#
        await #expect {
            _ = try await StripeGateway(transport: RefundingStripe(status: 400, answer: answer, refunded: 500), key: "sk_test").refund(
                call(Money(amount: 100, currency: "EUR")))
        } throws: { error in
            if case GatewayError.refused = error { true } else { false }
        }
    }

    @Test func `refunds and disputes are read with their payment, also when there are more than a page`() async throws {
        let recorder = Recorder { request in
            if request.url.contains("/v1/disputes") {
                return #"{"data": [{"id": "dp_1", "amount": 500, "currency": "eur", "reason": "fraudulent", "status": "under_review"}], "has_more": false}"#
            }
            if request.url.contains("/v1/refunds") {
                let isSecond = request.url.contains("starting_after=re_2")
                let id = isSecond ? "re_1" : "re_2"
                return
                    #"{"data": [{"id": "\#(id)", "amount": 50, "currency": "eur", "status": "\#(isSecond ? "failed" : "pending")", "metadata": {"refund_id": "\#(PaymentFixture.order.uuidString)", "round": "3"}}], "has_more": \#(!isSecond)}"#
            }
            return
                #"{"id": "pi_1", "status": "succeeded", "amount": 500, "currency": "eur", "latest_charge": {"amount_refunded": 50, "disputed": true, "refunds": {"data": [], "has_more": true}}}"#
        }
        let payment = try await StripeGateway(transport: recorder, key: "sk_test").retrieve(intent: "pi_1")
        #expect(
            payment?.movements?.refunds == [
                .init(id: "re_2", refundID: PaymentFixture.order, round: 3, amount: 50, status: .pending),
                .init(id: "re_1", refundID: PaymentFixture.order, round: 3, amount: 50, status: .failed),
            ])
        #expect(payment?.movements?.disputes == [.init(id: "dp_1", amount: 500, reason: "fraudulent", outcome: .open)])
    }

    @Test(arguments: [("3", 3), ("9223372036854775807", 0), ("-1", 0), ("x", 0)])
    func `a round that Wharf has not written is the first`(text: String, round: Int) throws {
        let refund: StripeRefund = try JSON.decode(
            from: Array(#"{"id": "re_1", "amount": 50, "currency": "eur", "status": "succeeded", "metadata": {"round": "\#(text)"}}"#.utf8))
        #expect(refund.refund.round == round)
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
            order: UUID(), orderNumber: "W-1", amount: Money(amount: 500, currency: "EUR"), paymentMethod: "pm", idempotencyKey: UUID())
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
