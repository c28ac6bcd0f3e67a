import JSON

/// A change of a payment, as Stripe reports it.
struct WebhookEvent: Sendable, Equatable, Decodable {
    enum Kind: String, Sendable, CaseIterable, Decodable {
        case created = "payment_intent.created"
        case amountCapturable = "payment_intent.amount_capturable_updated"
        case succeeded = "payment_intent.succeeded"
        case paymentFailed = "payment_intent.payment_failed"
        case requiresAction = "payment_intent.requires_action"
        case processing = "payment_intent.processing"
        case canceled = "payment_intent.canceled"
        case chargeSucceeded = "charge.succeeded"
        case chargeFailed = "charge.failed"
        case chargeCaptured = "charge.captured"
        case chargeUpdated = "charge.updated"
        case chargePending = "charge.pending"
        case chargeExpired = "charge.expired"
        case refunded = "charge.refunded"
        case chargeRefundUpdated = "charge.refund.updated"
        case refundCreated = "refund.created"
        case refundUpdated = "refund.updated"
        case refundFailed = "refund.failed"
        case disputed = "charge.dispute.created"
        case disputeWithdrawn = "charge.dispute.funds_withdrawn"
        case disputeClosed = "charge.dispute.closed"
        case disputeReinstated = "charge.dispute.funds_reinstated"
        case customerCreated = "customer.created"
        case customerUpdated = "customer.updated"
        case customerDeleted = "customer.deleted"
        case methodAttached = "payment_method.attached"
        case methodDetached = "payment_method.detached"

        /// The type of the event's object.
        var object: Object {
            switch self {
            case .created, .amountCapturable, .succeeded, .paymentFailed, .requiresAction, .processing, .canceled: .payment
            case .chargeSucceeded, .chargeFailed, .chargeCaptured, .chargeUpdated, .chargePending, .chargeExpired, .refunded: .charge
            case .chargeRefundUpdated, .refundCreated, .refundUpdated, .refundFailed: .refund
            case .disputed, .disputeWithdrawn, .disputeClosed, .disputeReinstated: .dispute
            case .customerCreated, .customerUpdated, .customerDeleted: .customer
            case .methodAttached, .methodDetached: .method
            }
        }
    }

    enum Object: Sendable {
        case payment, charge, refund, dispute, customer, method
    }

    static let apiVersion = "2025-03-31.basil"

    let id: String
    let kind: Kind
    let created: Int

    /// The events that Stripe sends for a change, in its order.
    static func all(for happening: PaymentIntent.Happening?, to payment: PaymentIntent, now: Int) -> [WebhookEvent] {
        let kinds: [Kind] =
            switch happening {
            case .succeeded: [.chargeSucceeded, .succeeded, .chargeUpdated] + disputeKinds(payment)
            case .captured: [.chargeCaptured, .succeeded, .chargeUpdated]
            case .authenticationAsked: [.requiresAction]
            case .processing: [.chargePending, .processing]
            case .canceled: [.canceled]
            case .authorizationReleased: [.refunded, .canceled]
            case .authorizationExpired: [.chargeExpired, .canceled]
            case .failed(let failure): (failure.charge == nil ? [] : [.chargeFailed]) + [.paymentFailed]
            case .disputeClosed(.won): [.disputeClosed, .disputeReinstated]
            case .disputeClosed: [.disputeClosed]
            case .captureAwaited: [.chargeSucceeded, .amountCapturable]
            case nil: []
            }
        return kinds.map { WebhookEvent($0, created: now) }
    }

    /// An inquiry takes no money.
    private static func disputeKinds(_ payment: PaymentIntent) -> [Kind] {
        switch payment.dispute {
        case nil: []
        case .warningNeedsResponse: [.disputed]
        default: [.disputed, .disputeWithdrawn]
        }
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

    func body(about outcome: Outcome, publicURL: String) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("id", id)
            writer.field("object", "event")
            writer.field("api_version", Self.apiVersion)
            writer.field("created", created)
            writer.field("data") { writer in
                writer.object { $0.field("object") { writeObject(of: outcome, to: &$0, Showing(publicURL: publicURL)) } }
            }
            writer.field("livemode", false)
            writer.field("pending_webhooks", 1)
            writer.field("request") { writer in
                writer.object { writer in
                    writer.field("id", nil as String?)
                    writer.field("idempotency_key", nil as String?)
                }
            }
            writer.field("type", kind.rawValue)
        }
    }

    private func writeObject(of outcome: Outcome, to writer: inout JSONWriter, _ showing: Showing) {
        switch kind.object {
        case .payment where kind == .created: (outcome.payment?.asCreated).write(to: &writer) { $0.write(to: &$1, showing) }
        case .payment: outcome.payment.write(to: &writer) { $0.write(to: &$1, showing) }
        case .charge: outcome.payment.write(to: &writer) { $0.writeCharge(to: &$1, showing) }
        case .refund: outcome.refund.write(to: &writer) { $0.write(to: &$1, showing) }
        case .dispute: outcome.payment.write(to: &writer) { $0.writeDispute(to: &$1, showing) }
        case .customer: outcome.customer.write(to: &writer) { $0.write(to: &$1) }
        case .method: outcome.methods.first.write(to: &writer) { $0.write(to: &$1) }
        }
    }
}

extension Optional {
    fileprivate func write(to writer: inout JSONWriter, _ content: (Wrapped, inout JSONWriter) -> Void) {
        if let self { content(self, &writer) } else { writer.null() }
    }
}
