import JSON

/// A card that is kept for a customer, or was created without one.
struct PaymentMethod: Sendable, Equatable, Decodable {
    let id: String
    let card: TestCard
    let created: Int
    var customer: String?
    var metadata: [String: String] = [:]
    /// Whether it was used without a customer, or detached: Stripe refuses to use it again.
    var isSpent = false
    /// Increases by one with every change.
    var revision = 0

    enum CodingKeys: String, CodingKey {
        case id, created, customer, metadata, revision
        case card = "test_card"
        case isSpent = "is_spent"
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writeFields(to: &$0) }
    }

    /// The same with the sandbox's own fields.
    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writeFields(to: &writer)
            writer.field("test_card", card.rawValue)
            writer.field("is_spent", isSpent)
            writer.field("revision", revision)
        }
    }

    private func writeFields(to writer: inout JSONWriter) {
        writer.field("id", id)
        writer.field("object", "payment_method")
        writer.field("allow_redisplay", "unspecified")
        writer.field("billing_details") { writer in
            writer.object { writer in
                for name in ["address", "email", "name", "phone"] { writer.field(name, nil as String?) }
            }
        }
        card.write(to: &writer)
        writer.field("created", created)
        writer.field("customer", customer)
        writer.field("livemode", false)
        writer.field("metadata", metadata)
        writer.field("type", card.type)
    }
}
