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
        case refunded = "charge.refunded"
        case disputed = "charge.dispute.created"

        /// Whether its object is a payment, whose metadata names the order; otherwise it names a payment.
        var namesOrder: Bool { rawValue.hasPrefix("payment_intent.") }

        /// Whether the event may be news about the payment `intent`.
        func isNews(of intent: String, to attempt: Attempt) -> Bool {
            if let own = attempt.intent, own != intent { return true }
            // Opened by a call that was on its way when the payment was voided.
            let isOpenedLate = attempt.state == .voided && attempt.intent == nil
            return switch self {
            case .succeeded: ![.succeeded, .refunded, .needsOperator].contains(attempt.state)
            case .paymentFailed: [.begun, .requiresAction].contains(attempt.state) || isOpenedLate
            case .canceled: [.begun, .requiresAction, .declined].contains(attempt.state)
            case .requiresAction: attempt.state == .begun || isOpenedLate
            case .refunded, .disputed: true
            }
        }
    }

    /// The subject of an event of a known kind. Nothing else of its object is used.
    struct Hint: Sendable {
        let kind: Kind
        let intent: String?
        let order: UUID?
    }

    private struct Data: Decodable {
        let object: Object
    }

    private struct Object: Decodable {
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
    let hint: Hint?

    private enum CodingKeys: String, CodingKey {
        case id, type, data
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        type = try container.decode(String.self, forKey: .type)
        // Events of other types have objects of other shapes.
        hint = try Kind(rawValue: type).map { kind in
            let object = try container.decode(Data.self, forKey: .data).object
            return Hint(
                kind: kind, intent: kind.namesOrder ? object.id : object.intent,
                order: kind.namesOrder ? object.metadata?["order_id"].flatMap(UUID.init(text:)) : nil)
        }
    }

    static func read(_ request: Request) throws -> StripeEvent {
        do {
            return try JSON.decode(from: request.body)
        } catch {
            throw Failure("malformed-message", "not a Stripe event: \(error)")
        }
    }
}
