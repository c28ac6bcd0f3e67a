import JSON

public import FoundationEssentials
public import Messaging
public import PostgreSQL

/// What somebody decides about a letter.
public enum DeadLetterDecision: String, Sendable {
    case replay, discard
    /// Takes a discarded one back.
    case restore

    var from: DeadLetterState { self == .restore ? .discarded : .open }

    var to: DeadLetterState {
        switch self {
        case .replay: .replayed
        case .discard: .discarded
        case .restore: .open
        }
    }

    /// How the audit log calls it.
    var action: String {
        switch self {
        case .replay: "replayed"
        case .discard: "discarded"
        case .restore: "restored"
        }
    }
}

extension DeadLetterStore {
    public enum DecisionResult: Sendable {
        case changed(DeadLetterSummary)
        /// It was in that state already.
        case unchanged(DeadLetterSummary)
        /// The letter's state does not allow it.
        case forbidden(DeadLetterSummary)
        /// It cannot be replayed: its queue is unknown, its body was too large to be kept whole, or it held credentials and was not kept.
        case incomplete(DeadLetterSummary)
        /// It is older than what its service remembers, so a replay may have its effect a second time: only a caller who says so may replay it.
        case pastMemory(DeadLetterSummary)
    }

    /// A message and the queue that it belongs to.
    public struct Message: Sendable {
        public let queue: String
        public let content: FailedMessage
    }

    /// Changes the letters' states and notes who did. Letters that do not exist are not in the answer. A caller who replays sends the `messages` of those
    /// that were changed, in a way that a crash after the commit does not undo.
    ///
    /// - Parameter pastMemory: letters that are replayed however old they are.
    public static func decide(
        _ decision: DeadLetterDecision, _ actors: [UUID: String], pastMemory: Set<UUID> = [], now: Date, on transaction: any SQLConnection
    ) async throws -> [UUID: DecisionResult] {
        // Locked in one order, so that two callers cannot block each other for good.
        let rows = try await transaction.query(
            """
            SELECT \(columns), properties ->> 'timestamp' AS sent_at,
                   queue <> '' AND length(original) > 0 AND length(body) = body_bytes AND body <> \(FailedMessage.redactedBody) AS is_complete
            FROM letters WHERE id = ANY(\(Array(actors.keys))) ORDER BY id FOR UPDATE
            """)
        var results: [UUID: DecisionResult] = [:]
        var changing: [UUID] = []
        for row in rows {
            let letter = try summary(row)
            if letter.state == decision.to {
                results[letter.id] = .unchanged(letter)
            } else if letter.state != decision.from {
                results[letter.id] = .forbidden(letter)
            } else if decision == .replay, try !row.decode("is_complete") {
                results[letter.id] = .incomplete(letter)
            } else if decision == .replay, !pastMemory.contains(letter.id), try oldest(letter, row) < Inbox.memory(at: now) {
                results[letter.id] = .pastMemory(letter)
            } else {
                changing.append(letter.id)
            }
        }
        guard !changing.isEmpty else { return results }
        let changed = try await transaction.pipeline(
            statements(decision, changing, changing.map { actors[$0] ?? "" }, now))
        for row in changed[0] {
            let letter = try summary(row)
            results[letter.id] = .changed(letter)
        }
        return results
    }

    /// When the message may have been handled at the earliest: when it was sent, as far as it says so, and else when it first died.
    private static func oldest(_ letter: DeadLetterSummary, _ row: Row) throws -> Date {
        let sentAt: String? = try row.decode("sent_at")
        guard let sentAt, let seconds = Double(sentAt) else { return letter.firstSeenAt }
        return min(letter.firstSeenAt, Date(timeIntervalSince1970: seconds))
    }

    private static func statements(_ decision: DeadLetterDecision, _ ids: [UUID], _ actors: [String], _ now: Date) -> [SQL] {
        let isSettled = decision.to != .open
        return [
            """
            UPDATE letters
            SET state = \(decision.to.rawValue), settled_at = CASE WHEN \(isSettled) THEN \(now) END,
                settled_by = CASE WHEN \(isSettled) THEN decided.actor END
            FROM unnest(\(ids), \(actors)) AS decided (letter_id, actor)
            WHERE letters.id = decided.letter_id
            RETURNING \(columns)
            """,
            """
            INSERT INTO audit (letter_id, at, actor, action)
            SELECT letter_id, \(now), actor, \(decision.action) FROM unnest(\(ids), \(actors)) AS decided (letter_id, actor)
            """,
        ]
    }

    /// What a replay of these letters sends.
    public static func messages(of ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: Message] {
        guard !ids.isEmpty else { return [:] }
        let rows = try await connection.query(
            "SELECT id, queue, original, properties ->> 'contentType' AS content_type, body FROM letters WHERE id = ANY(\(ids))")
        var messages: [UUID: Message] = [:]
        for row in rows {
            let original = try JSON.decode(Original.self, from: row.decode("original"))
            messages[try row.decode("id")] = Message(
                queue: try row.decode("queue"), content: original.message(try row.decode("body"), contentType: try row.decode("content_type")))
        }
        return messages
    }
}
