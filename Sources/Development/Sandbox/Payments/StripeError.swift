import JSON

/// An error in the form of Stripe's API: an HTTP status and `{"error": {"type", "code", "decline_code", "message", "param"}}`.
struct StripeError: Error, Sendable, Equatable {
    enum Kind: String, Sendable, Decodable {
        case invalidRequest = "invalid_request_error"
        case card = "card_error"
        case api = "api_error"
        case idempotency = "idempotency_error"
    }

    let status: Int
    let kind: Kind
    var code: String?
    var declineCode: String?
    var message: String
    var parameter: String?
    var charge: String?
    /// Whether the error carries the payment intent in its present state, as card and state errors do.
    var showsPayment = false

    func write(to writer: inout JSONWriter, payment: PaymentIntent?, publicURL: String) {
        writer.field("type", kind.rawValue)
        if let code { writer.field("code", code) }
        if let declineCode { writer.field("decline_code", declineCode) }
        writer.field("message", message)
        if let parameter { writer.field("param", parameter) }
        if let charge { writer.field("charge", charge) }
        if showsPayment, let payment {
            writer.field("payment_intent") { payment.write(to: &$0, Showing(publicURL: publicURL)) }
        }
    }

    /// `{"error": {…}}`
    func body(payment: PaymentIntent? = nil, publicURL: String = "") -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("error") { writer in
                writer.object { write(to: &$0, payment: payment, publicURL: publicURL) }
            }
        }
    }
}

extension StripeError: Decodable {
    enum CodingKeys: String, CodingKey {
        case status
        case kind = "type"
        case code
        case declineCode = "decline_code"
        case message
        case parameter = "param"
        case charge
        case showsPayment = "shows_payment"
    }
}
