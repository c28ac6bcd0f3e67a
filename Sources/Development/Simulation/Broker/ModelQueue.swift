import AMQP
import JSON
import Messaging
import Topology

/// A policy's settings for a queue.
struct QueueLimits: Sendable {
    var maximumLength: Int?
    /// True if a full queue drops its oldest message instead of refusing a new one.
    var dropsOldest = false
    var messageTTL: Duration?
    var deliveryLimit: Int?
    /// nil: dead messages are dropped.
    var deadLetterExchange: String?
    /// Kept until its target has accepted it.
    var keepsDeadLetters = false

    init(_ policy: Definitions.Policy?) {
        guard let policy else { return }
        func number(_ name: String) -> Int? {
            if case .integer(let value)? = policy.definition[name] { value } else { nil }
        }
        func text(_ name: String) -> String? {
            if case .string(let value)? = policy.definition[name] { value } else { nil }
        }
        dropsOldest = text("overflow") == "drop-head"
        maximumLength = number("max-length")
        messageTTL = number("message-ttl").map { .milliseconds($0) }
        deliveryLimit = number("delivery-limit")
        deadLetterExchange = text("dead-letter-exchange")
        keepsDeadLetters = text("dead-letter-strategy") == "at-least-once"
    }
}

/// A message in a queue, or delivered and not settled.
struct StoredMessage: Sendable {
    var publication: Publication
    var deliveryCount = 0
    var redelivered = false
    /// Microseconds of virtual time.
    var expiresAt: Int64?
}

struct ModelQueue: Sendable {
    let name: String
    let isQuorum: Bool
    /// Deleted with the connection of its consumer.
    let isExclusive: Bool
    var limits: QueueLimits
    var messages: [StoredMessage] = []
    /// As if it were full.
    var refuses = false

    var isFull: Bool { refuses || !limits.dropsOldest && isAtLimit }
    private var isAtLimit: Bool { limits.maximumLength.map { messages.count >= $0 } == true }

    mutating func append(_ message: StoredMessage) {
        if limits.dropsOldest, isAtLimit { messages.removeFirst() }
        messages.append(message)
    }

    /// Removes expired messages: at the head only, as RabbitMQ does.
    mutating func takeExpired(at now: Int64) -> [StoredMessage] {
        let live = messages.firstIndex { $0.expiresAt.map { $0 > now } ?? true } ?? messages.endIndex
        defer { messages.removeFirst(live) }
        return Array(messages[..<live])
    }
}
