/// Something that happened to a payment, as Stripe tells it.
struct WebhookEvent: Sendable, Equatable, Decodable {
    enum Kind: String, Sendable, CaseIterable, Decodable {
        case succeeded = "payment_intent.succeeded"
        case paymentFailed = "payment_intent.payment_failed"
        case requiresAction = "payment_intent.requires_action"
        case canceled = "payment_intent.canceled"
        case refunded = "charge.refunded"
    }

    static let apiVersion = "2025-03-31.basil"

    let id: String
    let kind: Kind
    let created: Int

    init(_ kind: Kind, created: Int) {
        id = Identifier.make("evt_")
        self.kind = kind
        self.created = created
    }

    enum CodingKeys: String, CodingKey {
        case id
        case kind = "type"
        case created
    }

    func body(about payment: PaymentIntent, publicURL: String) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("id", id)
            writer.field("object", "event")
            writer.field("api_version", Self.apiVersion)
            writer.field("created", created)
            writer.field("data") { writer in
                writer.object { writer in
                    writer.field("object") { writer in
                        switch kind {
                        case .refunded: payment.writeCharge(to: &writer)
                        case .succeeded, .paymentFailed, .requiresAction, .canceled: payment.write(to: &writer, publicURL: publicURL)
                        }
                    }
                }
            }
            writer.field("livemode", false)
            writer.field("type", kind.rawValue)
        }
    }
}
