import Contracts
public import FoundationEssentials
import JSON
public import Messaging
public import PostgreSQL

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
        /// It is a charge whose idempotency key the gateway may have forgotten, so the gateway might charge again. Only a caller who accepts that
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
    ///   - job: The job that decides, for the audit log.
    public static func decide(
        _ decision: DeadLetterDecision, _ actors: [UUID: String], pastMemory: Set<UUID> = [], reconciled: Set<UUID> = [], job: UUID? = nil,
        now: Date, on transaction: any SQLConnection
    ) async throws -> [UUID: DecisionResult] {
        // Locked in one order, so that two callers cannot deadlock.
        let rows = try await transaction.query(
            """
            SELECT \(columns), properties ->> 'timestamp' AS sent_at,
                   \(isComplete)
            FROM letters WHERE id = ANY(\(Array(actors.keys))) ORDER BY id FOR UPDATE
            """)
        var results: [UUID: DecisionResult] = [:]
        var changing: [UUID] = []
        var state: DeadLetterState?
        for row in rows {
            let letter = try summary(row)
            guard let next = letter.state.after(.decision(decision)) else {
                results[letter.id] = .forbidden(letter)
                continue
            }
            if next == letter.state {
                results[letter.id] = .unchanged(letter)
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
                state = next
            }
        }
        guard let state else { return results }
        let changed = try await transaction.pipeline(
            statements(decision, state, changing, changing.map { actors[$0] ?? "" }, job, now))
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

    /// A decision leads to one state, wherever it is allowed. A handled letter keeps the time and the actor of its replay.
    private static func statements(
        _ decision: DeadLetterDecision, _ state: DeadLetterState, _ ids: [UUID], _ actors: [String], _ job: UUID?, _ now: Date
    ) -> [SQL] {
        [
            """
            UPDATE letters
            SET state = \(state.rawValue), edit_sent = edit_sent OR (edited_body IS NOT NULL AND \(decision == .replay)),
                settled_at = CASE WHEN \(decision == .confirm) THEN settled_at WHEN \(state.isSettled) THEN \(now) END,
                settled_by = CASE WHEN \(decision == .confirm) THEN settled_by WHEN \(state.isSettled) THEN decided.actor END
            FROM unnest(\(ids), \(actors)) AS decided (letter_id, actor)
            WHERE letters.id = decided.letter_id
            RETURNING \(columns)
            """,
            """
            INSERT INTO audit (letter_id, at, actor, action, job_id)
            SELECT letter_id, \(now), actor, \(decision.action), \(job) FROM unnest(\(ids), \(actors)) AS decided (letter_id, actor)
            """,
        ]
    }

    /// Whether a replay could send the message as it was: its queue is known, its body was stored whole, and it held no credentials.
    static let isComplete: SQL = """
        queue <> '' AND length(original) > 0 AND length(body) = body_bytes AND body <> \(FailedMessage.redactedBody) AS is_complete
        """

    /// The messages that a replay of these letters sends.
    public static func messages(of ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: Message] {
        guard !ids.isEmpty else { return [:] }
        let rows = try await connection.query(
            "SELECT id, queue, original, properties ->> 'contentType' AS content_type, body, edited_body FROM letters WHERE id = ANY(\(ids))")
        var messages: [UUID: Message] = [:]
        for row in rows {
            let original = try JSON.decode(Original.self, from: row.decode("original"))
            let id: UUID = try row.decode("id")
            let contentType: String? = try row.decode("content_type")
            let edited: [UInt8]? = try row.decode("edited_body")
            let content = try edited.map { original.edited($0, contentType: contentType, letter: id) } ?? original.message(row.decode("body"), contentType: contentType)
            messages[id] = Message(queue: try row.decode("queue"), content: content)
        }
        return messages
    }
}
