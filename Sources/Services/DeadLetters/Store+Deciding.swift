import Contracts
public import FoundationEssentials
import JSON
public import Messaging
public import PostgreSQL

/// A decision about a letter.
public enum DeadLetterDecision: String, Sendable {
    case replay, discard
    /// Reopens a discarded letter.
    case restore

    var from: DeadLetterState { self == .restore ? .discarded : .open }

    var to: DeadLetterState {
        switch self {
        case .replay: .replayed
        case .discard: .discarded
        case .restore: .open
        }
    }

    /// Its name in the audit log.
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
        /// It cannot be replayed: its queue is unknown, its body was too large to be stored whole, or it contained credentials and was not stored.
        case incomplete(DeadLetterSummary)
        /// It is older than what its service remembers, so a replay may have its effect twice: only a caller who explicitly agrees may replay it.
        case pastMemory(DeadLetterSummary)
        /// It is a charge that is older than the gateway's memory of its idempotency key, so the gateway would charge again: only a caller who accepts that
        /// payments looks for the payment first may replay it.
        case pastGatewayKeys(DeadLetterSummary)
    }

    /// A message and the queue that it belongs to.
    public struct Message: Sendable {
        public let queue: String
        public let content: FailedMessage
    }

    /// Changes the letters' states and records who did. Letters that do not exist are not in the answer. A caller who replays sends the `messages` of those
    /// that were changed, in a way that survives a crash after the commit.
    ///
    /// - Parameters:
    ///   - pastMemory: letters that are replayed regardless of age.
    ///   - reconciled: charges that are replayed although the gateway may have forgotten their keys.
    public static func decide(
        _ decision: DeadLetterDecision, _ actors: [UUID: String], pastMemory: Set<UUID> = [], reconciled: Set<UUID> = [],
        now: Date, on transaction: any SQLConnection
    ) async throws -> [UUID: DecisionResult] {
        // Locked in one order, so that two callers cannot deadlock.
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
            } else if decision == .replay, letter.operation == MessageName.charge, !reconciled.contains(letter.id),
                try now.timeIntervalSince(oldest(letter, row)) > GatewayKeys.memory
            {
                results[letter.id] = .pastGatewayKeys(letter)
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
        if decision == .replay { try await ReplayStore.begin(changed[0].map(summary), now: now, on: transaction) }
        return results
    }

    /// The earliest time at which the message may have been handled: when it was sent, if it says so, otherwise when it first died.
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

    /// The messages that a replay of these letters sends.
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
