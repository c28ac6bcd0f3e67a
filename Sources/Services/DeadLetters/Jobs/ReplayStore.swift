import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// Replayed messages whose outcome is not known yet.
enum ReplayStore {
    struct Replay: Sendable {
        let letter: UUID
        let message: UUID
        let service: String
        let sentAt: Date
        let tries: Int
        /// Whether the letter is still `replayed`: it has not died again.
        let isOpen: Bool
    }

    /// Seconds until the service is asked for the first time.
    private static let firstPause = 1.0
    /// The queues of messages that no inbox records.
    private static let unrecorded = ".queries"

    /// Starts to follow these replays. A message without an id in Wharf's form, or from a queue of queries, is in no inbox: what became of it is known only if it
    /// dies again.
    static func begin(_ letters: [DeadLetterSummary], now: Date, on transaction: any SQLConnection) async throws {
        let followed = letters.compactMap { letter -> (letter: UUID, message: UUID, service: String)? in
            guard let message = letter.messageID.flatMap(UUID.init(text:)), !letter.queue.hasSuffix(unrecorded) else { return nil }
            return (letter.id, message, String(letter.queue.prefix { $0 != "." }))
        }
        guard !followed.isEmpty else { return }
        try await transaction.execute(
            """
            INSERT INTO replays (letter_id, message_id, service, sent_at, due_at)
            SELECT letter_id, message_id, service, \(now), \(now.addingTimeInterval(firstPause))
            FROM unnest(\(followed.map(\.letter)), \(followed.map(\.message)), \(followed.map(\.service))) AS new (letter_id, message_id, service)
            ORDER BY letter_id
            ON CONFLICT (letter_id) DO UPDATE
            SET message_id = excluded.message_id, service = excluded.service, sent_at = excluded.sent_at, due_at = excluded.due_at, tries = 0
            """)
    }

    /// No other worker takes these replays before the lease ends.
    static func takeDue(_ limit: Int, now: Date, lease: Double, on transaction: any SQLConnection) async throws -> [UUID] {
        try await transaction.query(
            """
            UPDATE replays SET due_at = \(now.addingTimeInterval(lease))
            WHERE letter_id IN (SELECT letter_id FROM replays WHERE due_at <= \(now) ORDER BY due_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING letter_id
            """
        ).map { try $0.decode("letter_id") }
    }

    static func find(_ letters: [UUID], on connection: any SQLConnection) async throws -> [Replay] {
        try await connection.query(
            """
            SELECT letter_id, replays.message_id, replays.service, sent_at, tries, coalesce(letters.state = 'replayed', false) AS is_open
            FROM replays LEFT JOIN letters ON letters.id = letter_id
            WHERE letter_id = ANY(\(letters))
            """
        ).map { row in
            Replay(
                letter: try row.decode("letter_id"), message: try row.decode("message_id"), service: try row.decode("service"),
                sentAt: try row.decode("sent_at"), tries: try row.decode("tries"), isOpen: try row.decode("is_open"))
        }
    }

    /// Marks these replays as handled, and their letters too unless they have died again since.
    static func conclude(_ letters: [UUID], now: Date, on transaction: any SQLConnection) async throws {
        guard !letters.isEmpty else { return }
        let actors = Dictionary(letters.map { ($0, DeadLetterStore.collector) }, uniquingKeysWith: { first, _ in first })
        _ = try await DeadLetterStore.decide(.confirm, actors, now: now, on: transaction)
        try await stop(letters, on: transaction)
    }

    /// Stops asking about these replays.
    static func stop(_ letters: [UUID], on transaction: any SQLConnection) async throws {
        guard !letters.isEmpty else { return }
        // Locked in one order, like everywhere.
        try await transaction.execute(
            "DELETE FROM replays WHERE letter_id IN (SELECT letter_id FROM replays WHERE letter_id = ANY(\(letters)) ORDER BY letter_id FOR UPDATE)")
    }

    /// Schedules the next query about each of these.
    static func postpone(_ replays: [(letter: UUID, dueAt: Date)], on transaction: any SQLConnection) async throws {
        guard !replays.isEmpty else { return }
        try await transaction.execute(
            """
            UPDATE replays SET due_at = new.due_at, tries = tries + 1
            FROM unnest(\(replays.map(\.letter)), \(replays.map(\.dueAt))) AS new (letter_id, due_at)
            WHERE replays.letter_id = new.letter_id
            """)
    }
}
