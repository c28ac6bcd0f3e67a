import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets

/// An event from PayPal, as far as payments needs it. Its resource is an order, a capture, a refund or a dispute; each names, directly or by its capture, the
/// payment that may have changed.
struct PayPalEvent: Sendable, Decodable {
    /// The types that have an effect here. Any other is accepted and changes nothing.
    enum Kind: String, Sendable, CaseIterable {
        case orderApproved = "CHECKOUT.ORDER.APPROVED"
        case orderCompleted = "CHECKOUT.ORDER.COMPLETED"
        case orderVoided = "CHECKOUT.ORDER.VOIDED"
        case approvalReversed = "CHECKOUT.PAYMENT-APPROVAL.REVERSED"
        case captureCompleted = "PAYMENT.CAPTURE.COMPLETED"
        case captureDenied = "PAYMENT.CAPTURE.DENIED"
        case captureDeclined = "PAYMENT.CAPTURE.DECLINED"
        case captureRefunded = "PAYMENT.CAPTURE.REFUNDED"
        case captureReversed = "PAYMENT.CAPTURE.REVERSED"
        case refundPending = "PAYMENT.REFUND.PENDING"
        case refundFailed = "PAYMENT.REFUND.FAILED"
        case disputeCreated = "CUSTOMER.DISPUTE.CREATED"
        case disputeUpdated = "CUSTOMER.DISPUTE.UPDATED"
        case disputeResolved = "CUSTOMER.DISPUTE.RESOLVED"

        var meaning: GatewayEvent.Kind {
            switch self {
            case .orderApproved: .approved
            case .orderCompleted, .captureCompleted: .succeeded
            case .orderVoided: .cancelled
            case .approvalReversed, .captureDenied, .captureDeclined: .paymentFailed
            case .captureRefunded, .captureReversed, .refundPending, .refundFailed, .disputeCreated, .disputeUpdated, .disputeResolved: .moneyMoved
            }
        }
    }

    private struct Resource: Decodable {
        struct Unit: Decodable {
            let custom: String?

            private enum CodingKeys: String, CodingKey {
                case custom = "custom_id"
            }
        }

        struct Transaction: Decodable {
            let capture: String?

            private enum CodingKeys: String, CodingKey {
                case capture = "seller_transaction_id"
            }
        }

        struct Supplement: Decodable {
            struct Related: Decodable {
                let order: String?
                let capture: String?

                private enum CodingKeys: String, CodingKey {
                    case order = "order_id"
                    case capture = "capture_id"
                }
            }

            let related: Related?

            private enum CodingKeys: String, CodingKey {
                case related = "related_ids"
            }
        }

        let id: String?
        let order: String?
        let custom: String?
        let units: [Unit]?
        let transactions: [Transaction]?
        let supplement: Supplement?
        let links: [PayPalLink]?

        private enum CodingKeys: String, CodingKey {
            case id, links
            case order = "order_id"
            case custom = "custom_id"
            case units = "purchase_units"
            case transactions = "disputed_transactions"
            case supplement = "supplementary_data"
        }

        private var related: Supplement.Related? { supplement?.related }

        func intent(of kind: Kind) -> String? {
            switch kind {
            case .orderApproved, .orderCompleted, .orderVoided: return id
            case .approvalReversed: return order ?? id
            case .captureCompleted, .captureDenied, .captureDeclined:
                return related?.order ?? id.map(PayPalEvent.intent(ofCapture:))
            case .captureRefunded, .captureReversed, .refundPending, .refundFailed:
                if let order = related?.order { return order }
                let capture = related?.capture ?? links?.first { $0.rel == "up" }?.href.split(separator: "/").last.map(String.init)
                return capture.map(PayPalEvent.intent(ofCapture:))
            case .disputeCreated, .disputeUpdated, .disputeResolved:
                return transactions?.first?.capture.map(PayPalEvent.intent(ofCapture:))
            }
        }

        /// The id of an order or a capture; that of a refund may be any text that its maker wrote.
        func order(of kind: Kind) -> UUID? {
            guard kind.meaning != .moneyMoved else { return nil }
            return (custom ?? units?.first?.custom).flatMap(UUID.init(text:))
        }
    }

    private static let captures = "captures/"

    static func intent(ofCapture id: String) -> String { captures + id }

    /// The prefix of a capture's id that stands for a payment whose order is not known.
    static func capture(in intent: String) -> String? { intent.hasPrefix(captures) ? String(intent.dropFirst(captures.count)) : nil }

    let id: String
    let hint: GatewayEvent.Hint?

    private enum CodingKeys: String, CodingKey {
        case id, resource
        case type = "event_type"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(String.self, forKey: .id)
        // Events of other types have resources of other shapes.
        hint = try Kind(rawValue: fields.decode(String.self, forKey: .type)).map { kind in
            let resource = try fields.decode(Resource.self, forKey: .resource)
            return GatewayEvent.Hint(kind: kind.meaning, intent: resource.intent(of: kind), order: resource.order(of: kind))
        }
    }

    static func read(_ request: Request) throws -> GatewayEvent {
        do {
            let event: PayPalEvent = try JSON.decode(from: request.body)
            return GatewayEvent(id: event.id, hint: event.hint)
        } catch {
            throw Failure("malformed-message", "not a PayPal event: \(error)")
        }
    }
}
