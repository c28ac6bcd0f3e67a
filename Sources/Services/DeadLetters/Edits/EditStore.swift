import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

enum EditStore {
    /// The letters that exist, locked in one order.
    static func locked(_ ids: [UUID], on transaction: any SQLConnection) async throws -> [UUID: EditableLetter] {
        let rows = try await transaction.query(
            """
            SELECT \(DeadLetterStore.columns), original, body, properties ->> 'contentType' AS content_type, edit_sent, \(DeadLetterStore.isComplete)
            FROM letters WHERE id = ANY(\(ids)) ORDER BY id FOR UPDATE
            """)
        var letters: [UUID: EditableLetter] = [:]
        for row in rows {
            let summary = try DeadLetterStore.summary(row)
            let isComplete: Bool = try row.decode("is_complete")
            letters[summary.id] = EditableLetter(
                summary: summary, original: (try? JSON.decode(Original.self, from: row.decode("original"))) ?? .nothing, body: try row.decode("body"),
                contentType: try row.decode("content_type"), isComplete: isComplete, wasSentEdited: try row.decode("edit_sent"))
        }
        return letters
    }

    static func edit(
        _ letter: EditableLetter, _ body: [UInt8], by actor: String, now: Date, on transaction: any SQLConnection
    ) async throws -> EditableLetter {
        let id = letter.summary.id
        try await transaction.enqueue(
            "INSERT INTO aliases (alias, letter_id) VALUES (\(letter.alias(of: body)), \(id)) ON CONFLICT (alias) DO NOTHING")
        try await record("edited", id, actor, now, on: transaction)
        return try await changed(
            letter,
            """
            UPDATE letters SET edited_body = \(body), edited_by = \(actor), edited_at = \(now)
            WHERE id = \(id) RETURNING \(DeadLetterStore.columns)
            """, on: transaction)
    }

    static func revert(_ letter: EditableLetter, by actor: String, now: Date, on transaction: any SQLConnection) async throws -> EditableLetter {
        let id = letter.summary.id
        try await record("reverted", id, actor, now, on: transaction)
        return try await changed(
            letter,
            """
            UPDATE letters SET edited_body = NULL, edited_by = NULL, edited_at = NULL
            WHERE id = \(id) RETURNING \(DeadLetterStore.columns)
            """, on: transaction)
    }

    private static func record(_ action: String, _ id: UUID, _ actor: String, _ now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("INSERT INTO audit (letter_id, at, actor, action) VALUES (\(id), \(now), \(actor), \(action))")
    }

    private static func changed(_ letter: EditableLetter, _ sql: SQL, on transaction: any SQLConnection) async throws -> EditableLetter {
        let rows = try await transaction.query(sql)
        return EditableLetter(
            summary: try rows.first.map(DeadLetterStore.summary) ?? letter.summary, original: letter.original, body: letter.body,
            contentType: letter.contentType, isComplete: letter.isComplete, wasSentEdited: letter.wasSentEdited)
    }
}

extension DeadLetterStore {
    /// Letters whose edited message has died are found by the id that they were edited under; all others keep their ids.
    static func resolved(_ letters: [NewLetter], on database: any Database) async throws -> [NewLetter] {
        let rows = try await database.withConnection { connection in
            try await connection.query("SELECT alias, letter_id FROM aliases WHERE alias = ANY(\(letters.map(\.id)))")
        }
        guard !rows.isEmpty else { return letters }
        var ids: [UUID: UUID] = [:]
        for row in rows { ids[try row.decode("alias")] = try row.decode("letter_id") }
        return letters.map { letter in
            var letter = letter
            letter.id = ids[letter.id] ?? letter.id
            return letter
        }
    }
}
