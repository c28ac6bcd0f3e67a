import AMQP
import Contracts
import FoundationEssentials
import Messaging
import Secrets

/// An announced message as it is stored.
struct NewWaiting: Sendable {
    let id: UUID
    /// The id of the letter that the message becomes if it dies; nil if the announcement lacks the body.
    let letter: UUID?
    let service: String
    let message: WaitingMessage
    let references: References

    /// Nil for a delivery that is not an announcement, and for a message without an id.
    init?(_ delivery: Delivery) {
        guard let message = WaitingMessage(delivery), let messageID = message.messageID else { return nil }
        id = Self.id(messageID: messageID, queue: message.queue)
        letter = message.copy == nil ? nil : NewLetter.id(messageID: messageID, queue: message.queue, body: message.body)
        service = GroupKey.service(of: message.queue)
        references = References(Original(delivery.properties), body: message.body)
        self.message = message
    }

    /// The same for all attempts of a message. It includes the queue, because an event has the same message id in the queues of all its subscribers.
    static func id(messageID: String, queue: String) -> UUID {
        UUID.v5(namespace: namespace, name: SHA256.hash(queue) + SHA256.hash(messageID))
    }

    private static let namespace = UUID(uuid: (0x3e, 0x91, 0x5d, 0x70, 0x08, 0xc4, 0x4e, 0x2b, 0xa7, 0x63, 0xf1, 0x0b, 0x94, 0x2d, 0xe6, 0x58))
}

/// A selection of waiting messages; a nil field matches any.
struct WaitingFilter: Sendable, Equatable {
    var id: UUID?
    var service: String?
    var operation: String?
    var queue: String?
    var cause: String?
    var order: UUID?
}

/// A message on the retry ladder.
struct WaitingItem: Sendable, Codable {
    @PublicID var id: UUID
    let messageId: String?
    let service: String
    let queue: String
    let operation: String?
    let cause: String
    let detail: String
    /// Failed attempts.
    let attempt: Int
    /// The first failed attempt.
    let since: Date
    let setAsideAt: Date
    /// The time at which the ladder returns it to its queue.
    let dueAt: Date
    /// True if a copy can be sent now.
    let isSendable: Bool
    /// The time at which a copy was sent, after the latest failed attempt.
    let sentAt: Date?
    let orderId: String?
    let orderNumber: String?
    let cartId: String?
    let customerId: String?
    let traceId: String?
}

/// The waiting messages of one operation and cause.
struct WaitingCause: Sendable, Codable, Equatable {
    let service: String
    let operation: String?
    let cause: String
    /// An error text of one of them.
    let text: String
    let count: Int
    /// The number of messages of which a copy was sent after the latest failed attempt.
    let sent: Int
    let orders: Int
    let since: Date
    let nextDueAt: Date
    let lastDueAt: Date
}

struct WaitingView: Sendable, Codable {
    let items: [WaitingItem]
    let nextCursor: String?
    /// On the first page only.
    let causes: [WaitingCause]?
}

/// The messages of which copies are sent.
struct WaitingSelection: Sendable, Codable, Equatable {
    struct Cause: Sendable, Codable, Equatable {
        let service: String
        let operation: String?
        let cause: String
        let count: Int
    }

    let selected: Int
    let orders: Int
    let byCause: [Cause]
}
