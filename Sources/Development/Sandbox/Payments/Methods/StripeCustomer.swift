import JSON

/// A customer of the shop, as far as payments need one.
struct StripeCustomer: Sendable, Equatable, Decodable {
    /// What a client sends when it creates or changes a customer. Nil leaves a field as it is.
    struct Draft: Sendable, Equatable {
        var email: String?
        var name: String?
        var phone: String?
        var description: String?
        /// A payment method to attach, when the customer is created.
        var paymentMethod: String?
        var metadata: MetadataChange = .init()
    }

    let id: String
    let created: Int
    var email: String?
    var name: String?
    var phone: String?
    var description: String?
    var metadata: [String: String] = [:]
    var isDeleted = false
    /// Increases by one with every change.
    var revision = 0

    enum CodingKeys: String, CodingKey {
        case id, created, email, name, phone, description, metadata, revision
        case isDeleted = "is_deleted"
    }

    init(id: String, created: Int) {
        (self.id, self.created) = (id, created)
    }

    mutating func apply(_ draft: Draft) {
        email = draft.email ?? email
        name = draft.name ?? name
        phone = draft.phone ?? phone
        description = draft.description ?? description
        metadata = draft.metadata.applied(to: metadata)
        revision += 1
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            guard !isDeleted else {
                writer.field("id", id)
                writer.field("object", "customer")
                writer.field("deleted", true)
                return
            }
            writeFields(to: &writer)
        }
    }

    /// All of it, with the sandbox's own fields.
    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writeFields(to: &writer)
            writer.field("is_deleted", isDeleted)
            writer.field("revision", revision)
        }
    }

    private func writeFields(to writer: inout JSONWriter) {
        writer.field("id", id)
        writer.field("object", "customer")
        writer.field("balance", 0)
        writer.field("created", created)
        writer.field("currency", nil as String?)
        writer.field("default_source", nil as String?)
        writer.field("delinquent", false)
        writer.field("description", description)
        writer.field("email", email)
        writer.field("livemode", false)
        writer.field("metadata", metadata)
        writer.field("name", name)
        writer.field("phone", phone)
    }
}

/// Stripe merges metadata: an empty value unsets its key, and an empty `metadata` unsets all keys.
struct MetadataChange: Sendable, Equatable {
    var clears = false
    var values: [String: String] = [:]

    func applied(to metadata: [String: String]) -> [String: String] {
        (clears ? [:] : metadata).merging(values) { $1 }.filter { !$0.value.isEmpty }
    }
}
