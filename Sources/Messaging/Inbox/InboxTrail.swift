public import FoundationEssentials
public import PostgreSQL
import Secrets

/// What a service has handled and sent on according to its inbox: how an auditor reads inboxes. Connections lead to the service's schema.
///
/// Only messages that their receivers must remember are included: requests, events and replayed messages. Replies, answers and broadcasts are not remembered.
public enum InboxTrail {
    /// A message that the handling of another one has sent, once or more often.
    public struct Sent: Sendable, Equatable {
        public let id: UUID
        /// The message whose handling sent it, and when that committed.
        public let input: UUID
        public let at: Date
        public let exchange: String
        public let routingKey: String
        /// Nil for a replayed message that never was one of Wharf's.
        public let operation: String?
        /// It had been a dead letter.
        public let isReplay: Bool
    }

    /// A position in the inbox, in the order of message ids.
    public struct Position: Sendable {
        let input: UUID
        let at: Date
    }

    public struct Page: Sendable {
        /// The number of messages handled.
        public let handled: Int
        public let sent: [Sent]
        /// Where the next page begins; nil at the end.
        public let next: Position?
    }

    /// Returns what was handled from `start` on: up to `limit` messages after `position`.
    public static func page(
        after position: Position?, since start: Date, limit: Int, on connection: any SQLConnection
    ) async throws -> Page {
        let rows = try await connection.query(
            """
            SELECT input, at, ordered, (value ->> 'place')::integer AS place, value ->> 'kind' AS kind, value ->> 'key' AS key,
                   value ->> 'replayed' AS replayed, value ->> 'operation' AS operation
            FROM (
                SELECT message_id AS input, at, ordered, sent FROM inbox_trail
                WHERE at >= \(start) AND (message_id, at) > (\(position?.input ?? .zero), \(position?.at ?? start))
                ORDER BY message_id, at LIMIT \(limit)
            ) AS handled
            LEFT JOIN LATERAL json_array_elements(sent) AS message (value) ON true
            ORDER BY input, at, place
            """)
        var handled = 0
        var last: Position?
        var sent: [Sent] = []
        for row in rows {
            let position = Position(input: try row.decode("input"), at: try row.decode("at"))
            if position.input != last?.input || position.at != last?.at { handled += 1 }
            last = position
            if let message = try message(row, position) { sent.append(message) }
        }
        return Page(handled: handled, sent: sent, next: handled < limit ? nil : last)
    }

    /// Returns those of the messages that the service has handled.
    public static func handled(_ ids: [UUID], on connection: any SQLConnection) async throws -> Set<UUID> {
        guard !ids.isEmpty else { return [] }
        let rows = try await connection.query("SELECT message_id FROM inbox_trail WHERE message_id = ANY(\(ids))")
        return try Set(rows.map { try $0.decode("message_id") })
    }

    static func message(_ row: Row, _ position: Position) throws -> Sent? {
        guard let name: String = try row.decode("kind"), let kind = OutgoingMessages.Kind(rawValue: name),
            let place: Int = try row.decode("place"), let key: String = try row.decode("key")
        else { return nil }
        func sent(_ id: UUID, _ exchange: String, _ operation: String?) -> Sent {
            Sent(
                id: id, input: position.input, at: position.at, exchange: exchange, routingKey: key, operation: operation,
                isReplay: kind == .replay)
        }
        let derived = OutgoingMessage.id(at: place, of: position.input, recorded: try Inbox.recorded(row))
        switch kind {
        case .request: return sent(derived, Exchange.requests, key)
        case .event: return sent(derived, Exchange.events, key)
        case .replay:
            // Without an id in Wharf's form no inbox knows it; it becomes a dead letter again.
            guard let text: String = try row.decode("replayed"), let id = UUID(uuidString: text) else { return nil }
            return sent(id, Exchange.queues, try row.decode("operation"))
        case .broadcast, .answer, .reply: return nil
        }
    }
}
