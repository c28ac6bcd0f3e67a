import Contracts
public import FoundationEssentials
import PostgreSQL

/// `<service>.inbox.find`: which of these messages the service has handled, as far as its inbox remembers (``Inbox/retention``).
public struct InboxQuery: Sendable, Codable {
    /// Messages in one query: more than a batch holds, and still one scan of each day's index.
    public static let maximum = 500

    public let messages: [UUID]
    /// Whether the answer includes when they were handled and what the handling sent, for a requester that follows messages across services.
    public let isTraced: Bool?

    public init(messages: [UUID], isTraced: Bool = false) {
        self.messages = messages
        self.isTraced = isTraced ? true : nil
    }
}

/// The answer to an ``InboxQuery``. It holds ids, times and names of operations, and no content.
public struct InboxAnswer: Sendable, Codable {
    /// The messages that were handled. Any other message was not handled, changed nothing, or is older than the inbox.
    public let handled: [UUID]
    /// The same with their outputs; only if the query asks for them.
    public let trail: [InboxTrail.Handled]?

    public init(handled: [UUID], trail: [InboxTrail.Handled]? = nil) {
        self.handled = handled
        self.trail = trail
    }
}

extension InboxTrail {
    /// A message that a service has handled.
    public struct Handled: Sendable, Codable, Equatable {
        public let id: UUID
        /// When the handling was committed.
        public let at: Date
        /// What the handling sent, in order, without replies.
        public internal(set) var sent: [Output]
    }

    public struct Output: Sendable, Codable, Equatable {
        public let id: UUID
        /// Nil for a replayed message that never was one of Wharf's.
        public let operation: String?
        /// Handled by all subscribers instead of one service.
        public let isEvent: Bool
    }

    /// Returns the messages that the service has handled, with their outputs.
    public static func find(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: Handled] {
        guard !ids.isEmpty else { return [:] }
        let rows = try await connection.query(
            """
            SELECT message_id AS input, at, ordered, (value ->> 'place')::integer AS place, value ->> 'kind' AS kind, value ->> 'key' AS key,
                   value ->> 'replayed' AS replayed, value ->> 'operation' AS operation
            FROM inbox_trail
            LEFT JOIN LATERAL json_array_elements(sent) AS message (value) ON true
            WHERE message_id = ANY(\(ids))
            ORDER BY at, message_id, place
            """)
        var found: [UUID: Handled] = [:]
        for row in rows {
            let position = Position(input: try row.decode("input"), at: try row.decode("at"))
            // A message that was handled again after its day was dropped has two rows: the first is what happened first.
            var handled = found[position.input] ?? Handled(id: position.input, at: position.at, sent: [])
            guard handled.at == position.at else { continue }
            if let sent = try message(row, position) {
                handled.sent.append(Output(id: sent.id, operation: sent.operation, isEvent: sent.exchange == Exchange.events))
            }
            found[position.input] = handled
        }
        return found
    }
}

extension Operation {
    /// The operation with which other services ask whether a message was handled. Each service registers it.
    public static func findInInbox(of service: String) -> Operation {
        .query(MessageName.findInInbox(of: service), reading: readInboxQuery) { items, connection in
            let (traced, plain) = (items.filter { $0.input.isTraced == true }, items.filter { $0.input.isTraced != true })
            let trail = try await InboxTrail.find(Array(Set(traced.flatMap(\.input.messages))), on: connection)
            let handled = try await InboxTrail.handled(Array(Set(plain.flatMap(\.input.messages))), on: connection)
            return try items.map { item in
                guard item.input.isTraced == true else {
                    return .done(try Reply(json: InboxAnswer(handled: item.input.messages.filter(handled.contains))))
                }
                let found = item.input.messages.compactMap { trail[$0] }
                return .done(try Reply(json: InboxAnswer(handled: found.map(\.id), trail: found)))
            }
        }
    }

    private static let readInboxQuery: @Sendable (Request) throws -> InboxQuery = { request in
        let query = try contract(InboxQuery.self)(request)
        guard query.messages.count <= InboxQuery.maximum else { throw Failure("malformed-message", "more than \(InboxQuery.maximum) messages") }
        return query
    }
}
