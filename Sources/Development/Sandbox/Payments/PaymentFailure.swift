import JSON

/// Why the last attempt to charge failed: a payment intent's `last_payment_error`.
struct PaymentFailure: Sendable, Equatable {
    let kind: StripeError.Kind
    let code: String
    let declineCode: String?
    let message: String
    let charge: String?
    let card: TestCard

    static func declined(_ decline: TestCard.Decline, charge: String, card: TestCard) -> Self {
        PaymentFailure(kind: .card, code: decline.code, declineCode: decline.bankCode, message: decline.message, charge: charge, card: card)
    }

    /// The customer is not there to authenticate (`off_session`), and the bank insists.
    static func authenticationRequired(charge: String, card: TestCard) -> Self {
        PaymentFailure(
            kind: .card, code: "authentication_required", declineCode: "authentication_required",
            message: "Your card was declined. This transaction requires authentication.", charge: charge, card: card)
    }

    static func authenticationFailed(card: TestCard) -> Self {
        PaymentFailure(
            kind: .invalidRequest, code: "payment_intent_authentication_failure", declineCode: nil,
            message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
                + "to attempt to fulfill this PaymentIntent again.",
            charge: nil, card: card)
    }

    /// The same as the error of the request that tried to charge: HTTP 402.
    var error: StripeError {
        StripeError(
            status: 402, kind: kind, code: code, declineCode: declineCode, message: message, charge: charge, showsPayment: true)
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("type", kind.rawValue)
            writer.field("code", code)
            if let declineCode { writer.field("decline_code", declineCode) }
            writer.field("message", message)
            if let charge { writer.field("charge", charge) }
            writer.field("payment_method") { writer in
                writer.object { writer in
                    writer.field("id", card.rawValue)
                    writer.field("object", "payment_method")
                    writer.field("type", "card")
                }
            }
        }
    }
}

extension PaymentFailure: Decodable {
    enum CodingKeys: String, CodingKey {
        case kind = "type"
        case code
        case declineCode = "decline_code"
        case message, charge
        case paymentMethod = "payment_method"
    }

    private struct PaymentMethodReference: Decodable {
        let id: TestCard
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kind = try container.decode(StripeError.Kind.self, forKey: .kind)
        code = try container.decode(String.self, forKey: .code)
        declineCode = try container.decodeIfPresent(String.self, forKey: .declineCode)
        message = try container.decode(String.self, forKey: .message)
        charge = try container.decodeIfPresent(String.self, forKey: .charge)
        card = try container.decode(PaymentMethodReference.self, forKey: .paymentMethod).id
    }
}
