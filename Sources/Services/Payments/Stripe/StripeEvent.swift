import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets

/// An event from Stripe, as far as payments needs it.
struct StripeEvent: Sendable, Decodable {
    /// The types that have an effect here. Any other is accepted and changes nothing: Stripe has some hundred, and adds more.
    enum Kind: String, Sendable, CaseIterable {
        case succeeded = "payment_intent.succeeded"
        case paymentFailed = "payment_intent.payment_failed"
        case canceled = "payment_intent.canceled"
        case requiresAction = "payment_intent.requires_action"
        case authorized = "payment_intent.amount_capturable_updated"
        case refunded = "charge.refunded"
        case refundUpdated = "refund.updated"
        case refundFailed = "refund.failed"
        /// The name of `refund.updated` before API version 2024-10-28.
        case chargeRefundUpdated = "charge.refund.updated"
        case disputed = "charge.dispute.created"
        case disputeUpdated = "charge.dispute.updated"
        case disputeClosed = "charge.dispute.closed"
        case disputeWithdrawn = "charge.dispute.funds_withdrawn"
        case disputeReinstated = "charge.dispute.funds_reinstated"

        /// Whether its object is a payment, whose metadata names the order; otherwise it names a payment.
        var namesOrder: Bool { rawValue.hasPrefix("payment_intent.") }

        var meaning: GatewayEvent.Kind {
            switch self {
            case .succeeded: .succeeded
            case .paymentFailed: .paymentFailed
            case .canceled: .cancelled
            case .requiresAction: .requiresAction
            case .authorized: .authorized
            case .refunded, .refundUpdated, .refundFailed, .chargeRefundUpdated, .disputed, .disputeUpdated, .disputeClosed, .disputeWithdrawn,
                .disputeReinstated:
                .moneyMoved
            }
        }
    }

    private struct Data: Codable {
        let object: Object
    }

    private struct Object: Codable {
        let id: String
        let intent: String?
        let metadata: [String: String]?

        private enum CodingKeys: String, CodingKey {
            case id, metadata
            case intent = "payment_intent"
        }
    }

    let id: String
    let type: String
    let hint: GatewayEvent.Hint?
    private let object: Object?

    private enum CodingKeys: String, CodingKey {
        case id, type, data
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        type = try container.decode(String.self, forKey: .type)
        // Events of other types have objects of other shapes.
        let kind = Kind(rawValue: type)
        let object = try kind.map { _ in try container.decode(Data.self, forKey: .data).object }
        self.object = object
        hint = kind.flatMap { kind in
            guard let object else { return nil }
            return GatewayEvent.Hint(
                kind: kind.meaning, intent: kind.namesOrder ? object.id : object.intent,
                order: kind.namesOrder ? object.metadata?["order_id"].flatMap(UUID.init(text:)) : nil)
        }
    }

    /// The event as its webhook sends it, as far as it is read here.
    private struct Message: Encodable {
        let id: String
        let type: String
        let data: Data?
    }

    /// Nil if it cannot be written.
    var message: [UInt8]? { try? JSON.encode(Message(id: id, type: type, data: object.map(Data.init))) }

    static func read(_ request: Request) throws -> GatewayEvent {
        do {
            let event: StripeEvent = try JSON.decode(from: request.body)
            return GatewayEvent(id: event.id, hint: event.hint)
        } catch {
            throw Failure("malformed-message", "not a Stripe event: \(error)")
        }
    }
}
