public import FoundationEssentials
import Input
import JSON
import Messaging
public import PostgreSQL

/// The letters in PostgreSQL: for the service, and for the command line. Every function uses the schema of its connection.
public enum DeadLetterStore {
    /// Causes named in one answer, the most frequent ones.
    public static let maximumCauses = 50
    /// Entries of the audit log shown with one letter, the newest ones.
    public static let maximumAudit = 100

    /// A position in the list, which is sorted from newest to oldest.
    public struct Position: Sendable, Equatable {
        public let lastSeenAt: Date
        public let id: UUID

        public init(lastSeenAt: Date, id: UUID) {
            self.lastSeenAt = lastSeenAt
            self.id = id
        }
    }

    /// Newest first, at most `limit`.
    public static func list(
        _ filter: DeadLetterFilter, after: Position? = nil, limit: Int, on connection: any SQLConnection
    ) async throws -> [DeadLetterSummary] {
        try await connection.query(listing(filter, after: after, limit: limit)).map(summary)
    }

    /// Most frequent first.
    public static func causes(_ filter: DeadLetterFilter, on connection: any SQLConnection) async throws -> [CauseCount] {
        try await connection.query(counting(filter)).map(count)
    }

    /// - Parameter offset: Where the returned parts of the bodies begin.
    public static func find(_ ids: [UUID], bodyFrom offset: Int = 0, on connection: any SQLConnection) async throws -> [UUID: DeadLetter] {
        let results = try await connection.pipeline([
            """
            SELECT \(columns), history::text AS history, properties::text AS properties, headers::text AS headers,
                   original, substring(body FROM \(Int32(clamping: offset + 1)) FOR \(Int32(clamping: BodyPart.maximumBytes))) AS part, length(body) AS stored_bytes,
                   body_bytes, edited_body, edited_by, edited_at, edit_sent
            FROM letters WHERE id = ANY(\(ids))
            """,
            """
            SELECT letter_id, at, actor, action
            FROM (
                SELECT *, row_number() OVER (PARTITION BY letter_id ORDER BY number DESC) AS place
                FROM audit WHERE letter_id = ANY(\(ids))
            ) AS ranked
            WHERE place <= \(maximumAudit)
            ORDER BY letter_id, number
            """,
        ])
        var audit: [UUID: [DeadLetter.AuditEntry]] = [:]
        for row in results[1] {
            audit[try row.decode("letter_id"), default: []].append(
                .init(at: try row.decode("at"), actor: try row.decode("actor"), action: try row.decode("action")))
        }
        var letters: [UUID: DeadLetter] = [:]
        for row in results[0] {
            let summary = try summary(row)
            letters[summary.id] = DeadLetter(
                summary: summary, history: try json(row, "history"), body: BodyPart(try row.decode("part"), at: offset, of: try row.decode("stored_bytes")),
                bodyBytes: try row.decode("body_bytes"), audit: audit[summary.id] ?? [], properties: try json(row, "properties"),
                headers: try headers(row), original: try row.decode("original"), edit: try edit(row))
        }
        return letters
    }
}

// MARK: - Statements and rows

extension DeadLetterStore {
    static let columns: SQL = """
        id, message_id, operation, queue, cause, detail, attempts, state, seen, first_seen_at, last_seen_at, settled_at, settled_by, service, group_id,
        order_id, order_number, cart_id, customer_id, trace_id, first_failed_at, edited_body IS NOT NULL AS is_edited
        """

    /// One list per query, one letter longer than its page, with the causes on first pages.
    static func lists(
        _ lists: [ListLetters], on connection: any SQLConnection
    ) async throws -> [(letters: [DeadLetterSummary], causes: [CauseCount]?)] {
        var statements: [SQL] = []
        for list in lists {
            statements.append(listing(list.filter, after: list.after, limit: list.page.limit + 1))
            if list.after == nil { statements.append(counting(list.filter)) }
        }
        var results = try await connection.pipeline(statements).makeIterator()
        return try lists.map { list in
            let letters = try (results.next().map { try $0.map(summary) }) ?? []
            let causes = list.after == nil ? try results.next().map { try $0.map(count) } : nil
            return (letters, causes)
        }
    }

    static func summaries(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: DeadLetterSummary] {
        let found = try await connection.query("SELECT \(columns) FROM letters WHERE id = ANY(\(ids))").map(summary)
        return Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    static func summary(_ row: Row) throws -> DeadLetterSummary {
        DeadLetterSummary(
            id: try row.decode("id"), messageID: try row.decode("message_id"), operation: try row.decode("operation"),
            queue: try row.decode("queue"), cause: try row.decode("cause"), detail: try row.decode("detail"),
            attempts: try row.decode("attempts"), state: DeadLetterState(rawValue: try row.decode("state")) ?? .open,
            seen: try row.decode("seen"), firstSeenAt: try row.decode("first_seen_at"), lastSeenAt: try row.decode("last_seen_at"),
            settledAt: try row.decode("settled_at"), settledBy: try row.decode("settled_by"), service: try row.decode("service"),
            group: try row.decode("group_id"), references: try references(row), firstFailedAt: try row.decode("first_failed_at"),
            isEdited: try row.decode("is_edited"))
    }

    private static func references(_ row: Row) throws -> References {
        var references = References()
        references.order = try row.decode("order_id")
        references.orderNumber = try row.decode("order_number")
        references.cart = try row.decode("cart_id")
        references.customer = try row.decode("customer_id")
        references.trace = try row.decode("trace_id")
        return references
    }

    private static func count(_ row: Row) throws -> CauseCount {
        CauseCount(cause: try row.decode("cause"), queue: try row.decode("queue"), count: try row.decode("count"))
    }

    /// The headers; of a letter that was stored bare, those of the original.
    private static func headers(_ row: Row) throws -> JSONValue {
        let headers: JSONValue = try json(row, "headers")
        guard headers == .object([:]), let original = try? JSON.decode(Original.self, from: row.decode("original")) else { return headers }
        return .object(original.headers.mapValues { .string($0) })
    }

    private static func edit(_ row: Row) throws -> DeadLetter.Edit? {
        let body: [UInt8]? = try row.decode("edited_body")
        let at: Date? = try row.decode("edited_at")
        guard let body, let at else { return nil }
        return DeadLetter.Edit(body: body, by: try row.decode("edited_by", as: String?.self) ?? "", at: at, wasSent: try row.decode("edit_sent"))
    }

    private static func json<Value: Decodable>(_ row: Row, _ column: String) throws -> Value {
        try JSON.decode(Value.self, from: Array(try row.decode(column, as: String.self).utf8))
    }
}
