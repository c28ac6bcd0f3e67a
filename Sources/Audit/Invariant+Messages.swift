import Assembly
import Contracts
import FoundationEssentials
import Messaging
import ShopClient
import Topology

/// Checks for each message that a service has sent whether it is accounted for: handled, or a dead letter.
struct MessageRule: Sendable {
    /// Operations whose handling is always remembered. A replayed message of another may be refused, and refusals are not remembered.
    private static let remembered: Set<String> = [
        MessageName.place, MessageName.advance, MessageName.reserve, MessageName.release, MessageName.commit, MessageName.sell, MessageName.charge,
        MessageName.void, MessageName.orderConfirmed, MessageName.orderRejected,
    ]

    let definitions: Definitions

    /// The services in whose inboxes the message must be; nil when no service has to remember it.
    func receivers(of message: InboxTrail.Sent) -> Set<ServiceName>? {
        if message.isReplay, !Self.remembered.contains(message.operation ?? "") { return nil }
        let queues = definitions.destinations(of: message.routingKey, from: message.exchange)
        return Set(queues.compactMap { ServiceName(rawValue: String($0.prefix { $0 != "." })) })
    }

    /// A message that leads to no service is sent again and again: no binding routes it.
    func unroutable(_ message: InboxTrail.Sent, from sender: ServiceName) -> Finding {
        finding(message, from: sender, "leads to no queue (\(message.exchange) → \(message.routingKey))", since: message.at, awaits: nil)
    }

    /// Nil where a dead letter holds it.
    func missing(
        _ message: InboxTrail.Sent, from sender: ServiceName, at receiver: ServiceName, letter: DeadLetterIndex.Letter?
    ) -> Finding? {
        switch letter {
        case .waits: return nil
        case .replayed(let at):
            return finding(
                message, from: sender, "was replayed from the dead letters, but \(receiver.rawValue) has not handled it",
                since: max(message.at, at), awaits: receiver)
        case nil:
            return finding(
                message, from: sender, "was not handled by \(receiver.rawValue), and is not a dead letter", since: message.at, awaits: receiver)
        }
    }

    private func finding(
        _ message: InboxTrail.Sent, from sender: ServiceName, _ sentence: String, since: Date, awaits: ServiceName?
    ) -> Finding {
        Finding(
            .messages, "message \(message.id.text)",
            "\(message.operation ?? message.routingKey), sent by \(sender.rawValue) for message \(message.input.text), \(sentence)",
            unchangedSince: since, awaits: awaits)
    }
}
