import Assembly
import Messaging

/// How many messages wait in the broker, by queue; empty where this is unknown.
struct BrokerBacklog: Sendable, Equatable {
    private static let deadLetters = "dead-letters"

    var messages: [String: Int] = [:]

    /// Whether a message for this service may be waiting: in its queue, on the retry ladder, or on its way to the stored dead letters.
    func holds(for service: ServiceName) -> Bool {
        messages.contains { queue, count in
            count > 0 && (queue.hasPrefix("\(service.rawValue).") || QueueNames.isRung(queue) || queue == Self.deadLetters)
        }
    }
}
