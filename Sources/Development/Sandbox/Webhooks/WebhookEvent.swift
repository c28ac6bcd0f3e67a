/// A change of a payment, as Stripe reports it.
struct WebhookEvent: Sendable, Equatable, Decodable {
    enum Kind: String, Sendable, CaseIterable, Decodable {
        case created = "payment_intent.created"
        case amountCapturable = "payment_intent.amount_capturable_updated"
        case succeeded = "payment_intent.succeeded"
        case paymentFailed = "payment_intent.payment_failed"
        case requiresAction = "payment_intent.requires_action"
        case canceled = "payment_intent.canceled"
        case chargeSucceeded = "charge.succeeded"
        case chargeFailed = "charge.failed"
        case chargeCaptured = "charge.captured"
        case chargeUpdated = "charge.updated"
        case refunded = "charge.refunded"
        case chargeRefundUpdated = "charge.refund.updated"
        case refundCreated = "refund.created"
        case refundUpdated = "refund.updated"
        case refundFailed = "refund.failed"
        case disputed = "charge.dispute.created"
        case disputeWithdrawn = "charge.dispute.funds_withdrawn"
        case disputeClosed = "charge.dispute.closed"
        case disputeReinstated = "charge.dispute.funds_reinstated"

        /// The type of the event's object.
        var object: Object {
            switch self {
            case .created, .amountCapturable, .succeeded, .paymentFailed, .requiresAction, .canceled: .payment
            case .chargeSucceeded, .chargeFailed, .chargeCaptured, .chargeUpdated, .refunded: .charge
            case .chargeRefundUpdated, .refundCreated, .refundUpdated, .refundFailed: .refund
            case .disputed, .disputeWithdrawn, .disputeClosed, .disputeReinstated: .dispute
            }
        }
    }

    enum Object: Sendable {
        case payment, charge, refund, dispute
    }

    static let apiVersion = "2025-03-31.basil"

    let id: String
    let kind: Kind
    let created: Int

    /// The events that Stripe sends for a change, in its order.
    static func all(for happening: PaymentIntent.Happening?, to payment: PaymentIntent, now: Int) -> [WebhookEvent] {
        let kinds: [Kind] =
            switch happening {
            case .succeeded: [.chargeSucceeded, .succeeded, .chargeUpdated] + (payment.isDisputed ? [.disputed, .disputeWithdrawn] : [])
            case .captured: [.chargeCaptured, .succeeded, .chargeUpdated]
            case .authenticationAsked: [.requiresAction]
            case .canceled: [.canceled]
            case .failed(let failure): (failure.charge == nil ? [] : [.chargeFailed]) + [.paymentFailed]
            case .disputeClosed(.won): [.disputeClosed, .disputeReinstated]
            case .disputeClosed: [.disputeClosed]
            case .captureAwaited: [.chargeSucceeded, .amountCapturable]
            case nil: []
            }
        return kinds.map { WebhookEvent($0, created: now) }
    }

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

    func body(about payment: PaymentIntent, _ refund: Refund?, publicURL: String) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("id", id)
            writer.field("object", "event")
            writer.field("api_version", Self.apiVersion)
            writer.field("created", created)
            writer.field("data") { writer in
                writer.object { writer in
                    writer.field("object") { writer in
                        switch kind.object {
                        case .payment where kind == .created: payment.asCreated.write(to: &writer, publicURL: publicURL)
                        case .payment: payment.write(to: &writer, publicURL: publicURL)
                        case .charge: payment.writeCharge(to: &writer)
                        case .refund:
                            guard let refund else { return writer.null() }
                            refund.write(to: &writer)
                        case .dispute: payment.writeDispute(to: &writer)
                        }
                    }
                }
            }
            writer.field("livemode", false)
            writer.field("type", kind.rawValue)
        }
    }
}
