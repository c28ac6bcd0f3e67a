/// Money given back. A refund succeeds when it is made, and never changes.
struct Refund: Sendable, Equatable {
    enum Reason: String, Sendable, CaseIterable, Decodable {
        case duplicate
        case fraudulent
        case requestedByCustomer = "requested_by_customer"
    }

    let id: String
    let amount: Int
    let currency: String
    let charge: String?
    let created: Int
    let metadata: [String: String]
    let paymentIntent: String
    let reason: Reason?

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("object", "refund")
            writer.field("amount", amount)
            writer.field("charge", charge)
            writer.field("created", created)
            writer.field("currency", currency)
            writer.field("metadata", metadata)
            writer.field("payment_intent", paymentIntent)
            writer.field("reason", reason?.rawValue)
            writer.field("status", "succeeded")
        }
    }
}

extension Refund: Decodable {
    enum CodingKeys: String, CodingKey {
        case id, amount, currency, charge, created, metadata, reason
        case paymentIntent = "payment_intent"
    }
}

/// What a client asks for when it refunds.
struct RefundDraft: Sendable, Equatable {
    var paymentIntent: String
    /// nil refunds all that is left.
    var amount: Int?
    var reason: Refund.Reason?
    var metadata: [String: String] = [:]
}
