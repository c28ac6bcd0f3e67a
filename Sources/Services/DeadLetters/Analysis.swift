import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// Analyses letters stored by an earlier version: their references and their group.
enum Analysis {
    static let interval: Duration = .seconds(1)
    /// Letters of one statement, with their bodies in memory.
    static let portion = 200
    /// Statements of one turn, so that its transaction stays short.
    static let portions = 10

    static func work(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        for _ in 0..<portions {
            guard try await next(on: transaction) == portion else { break }
        }
        return []
    }

    /// Returns how many letters it has analysed. Those that another transaction is using wait for the next turn.
    private static func next(on transaction: any SQLConnection) async throws -> Int {
        let rows = try await transaction.query(
            """
            SELECT id, queue, operation, cause, detail, history::text AS history, original, body
            FROM letters WHERE rules = 0 ORDER BY id LIMIT \(portion) FOR UPDATE SKIP LOCKED
            """)
        guard !rows.isEmpty else { return 0 }
        try await transaction.execute(statement(try rows.map(Analysed.init)))
        return rows.count
    }

    private struct Analysed {
        let id: UUID
        let group: GroupKey
        let references: References
        let words: String?
        let firstFailedAt: Date?

        init(_ row: Row) throws {
            id = try row.decode("id")
            group = GroupKey(
                queue: try row.decode("queue"), operation: try row.decode("operation"), cause: try row.decode("cause"), detail: try row.decode("detail"))
            let body: [UInt8] = try row.decode("body")
            let original = try? JSON.decode(Original.self, from: row.decode("original"))
            references = original.map { References($0, body: body) } ?? References()
            words = SearchWords.joined(body: body, headers: original?.headers ?? [:])
            let history = try? JSON.decode([FailedAttempt].self, from: Array(row.decode("history", as: String.self).utf8))
            firstFailedAt = history?.map(\.at).min()
        }
    }

    private static func statement(_ letters: [Analysed]) -> SQL {
        """
        WITH new AS (
            SELECT * FROM unnest(
                \(letters.map(\.id)), \(letters.map(\.group.service)), \(letters.map(\.group.operation)), \(letters.map(\.group.cause)),
                \(letters.map(\.group.text)), \(letters.map(\.group.id)), \(letters.map(\.references.order)), \(letters.map(\.references.orderNumber)),
                \(letters.map(\.references.cart)), \(letters.map(\.references.customer)), \(letters.map(\.references.trace)),
                \(letters.map(\.firstFailedAt)), \(letters.map(\.words))
            ) AS new (
                id, service, operation, cause, group_text, group_id, order_id, order_number, cart_id, customer_id, trace_id, first_failed_at, words
            )
        ),
        stored AS (
            UPDATE letters
            SET service = new.service, group_id = new.group_id, rules = \(GroupKey.rules), order_id = new.order_id, order_number = new.order_number,
                cart_id = new.cart_id, customer_id = new.customer_id, trace_id = new.trace_id,
                first_failed_at = least(letters.first_seen_at, new.first_failed_at),
                words = array_to_tsvector(string_to_array(new.words, \(SearchWords.separator)))
            FROM new WHERE letters.id = new.id
            RETURNING letters.id, letters.group_id, letters.order_id, letters.first_seen_at, letters.last_seen_at
        ),
        \(DeadLetterStore.grouping("stored", texts: "new"))
        SELECT count(*) FROM stored
        """
    }
}
