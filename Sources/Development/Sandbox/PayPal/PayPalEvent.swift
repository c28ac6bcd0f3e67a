import JSON

/// Something that a webhook reports.
struct PayPalEvent: Sendable {
    enum Kind: String, Sendable {
        case orderApproved = "CHECKOUT.ORDER.APPROVED"
        case captureCompleted = "PAYMENT.CAPTURE.COMPLETED"
        case capturePending = "PAYMENT.CAPTURE.PENDING"
        case captureDenied = "PAYMENT.CAPTURE.DENIED"
        case captureRefunded = "PAYMENT.CAPTURE.REFUNDED"
        case refundPending = "PAYMENT.REFUND.PENDING"
        case refundFailed = "PAYMENT.REFUND.FAILED"
        case disputeCreated = "CUSTOMER.DISPUTE.CREATED"
        case disputeResolved = "CUSTOMER.DISPUTE.RESOLVED"
    }

    /// Which part of the payment it shows.
    enum Resource: Sendable {
        case order, capture, dispute
        case refund(String)

        var name: String {
            switch self {
            case .order: "checkout-order"
            case .capture: "capture"
            case .refund: "refund"
            case .dispute: "dispute"
            }
        }
    }

    let id = "WH-\(PayPalID.make())-\(PayPalID.make())"
    let kind: Kind
    let resource: Resource

    init(_ kind: Kind, _ resource: Resource) {
        self.kind = kind
        self.resource = resource
    }

    func body(_ payment: PayPalPayment, address: String, at now: Int) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("id", id)
            writer.field("event_version", "1.0")
            writer.field("create_time", now.payPalTime)
            writer.field("resource_type", resource.name)
            writer.field("resource_version", "2.0")
            writer.field("event_type", kind.rawValue)
            writer.field("summary", "")
            writer.field("resource") { writer in
                switch resource {
                case .order: payment.write(to: &writer, address: address)
                case .capture: payment.writeCapture(to: &writer, address: address, withOrder: true)
                case .dispute: payment.writeDispute(to: &writer)
                case .refund(let id):
                    guard let refund = payment.refunds.first(where: { $0.id == id }) else { return writer.null() }
                    payment.writeRefund(refund, to: &writer, address: address)
                }
            }
            writer.field("links") { $0.array([String]()) { $0.value($1) } }
        }
    }
}
