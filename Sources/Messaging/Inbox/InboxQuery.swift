import Contracts
public import FoundationEssentials

/// `<service>.inbox.find`: which of these messages the service has handled, as far as its inbox remembers (``Inbox/retention``).
public struct InboxQuery: Sendable, Codable {
    /// Messages in one query: more than a batch holds, and still one look into each day's index.
    public static let maximum = 500

    public let messages: [UUID]

    public init(messages: [UUID]) {
        self.messages = messages
    }
}

/// The answer to an ``InboxQuery``.
public struct InboxAnswer: Sendable, Codable {
    /// Those that were handled. Another message was not, or changed nothing, or is older than the inbox.
    public let handled: [UUID]

    public init(handled: [UUID]) {
        self.handled = handled
    }
}

extension Operation {
    /// The operation with which the dead letters learn what has become of a replay. Each service registers it.
    public static func findInInbox(of service: String) -> Operation {
        .query(MessageName.findInInbox(of: service), reading: readInboxQuery) { items, connection in
            let handled = try await InboxTrail.handled(Array(Set(items.flatMap(\.input.messages))), on: connection)
            return try items.map { .done(try Reply(json: InboxAnswer(handled: $0.input.messages.filter(handled.contains)))) }
        }
    }

    private static let readInboxQuery: @Sendable (Request) throws -> InboxQuery = { request in
        let query = try Operation.contract(InboxQuery.self)(request)
        guard query.messages.count <= InboxQuery.maximum else { throw Failure("malformed-message", "more than \(InboxQuery.maximum) messages") }
        return query
    }
}
