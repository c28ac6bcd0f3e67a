import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

extension DeadLetterStore {
    /// Total size of the bodies in one statement, in bytes, unless a single one is larger.
    static let maximumStatement = 16 << 20
    /// Deaths of one message that are remembered, so that none of them is counted twice.
    static let maximumOccurrences = 16
    static let collector = "collector"

    /// Stores new letters, counts and reopens returned ones, and skips mere redeliveries.
    static func add(_ letters: [NewLetter], now: Date, on transaction: any SQLConnection) async throws {
        let statements = try portions(of: letters).map { try insertion($0, now) }
        guard !statements.isEmpty else { return }
        _ = try await transaction.pipeline(statements)
    }

    /// Splits the letters so that no statement is too large or has a letter twice, which PostgreSQL rejects.
    static func portions(of letters: [NewLetter]) -> [[NewLetter]] {
        var portions: [[NewLetter]] = []
        var ids: Set<UUID> = []
        var bytes = 0
        for letter in letters {
            if portions.isEmpty || ids.contains(letter.id) || bytes + letter.body.count > maximumStatement {
                portions.append([])
                ids = []
                bytes = 0
            }
            portions[portions.count - 1].append(letter)
            ids.insert(letter.id)
            bytes += letter.body.count
        }
        return portions
    }

    private static func insertion(_ letters: [NewLetter], _ now: Date) throws -> SQL {
        """
        WITH stored AS (
            INSERT INTO letters AS letter (
                id, occurrences, seen, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original,
                body, body_bytes, first_seen_at, last_seen_at
            )
            SELECT id, ARRAY[occurrence], 1, message_id, operation, queue, cause, detail, attempts, history, properties, headers,
                   original, body, body_bytes, \(now), \(now)
            FROM unnest(
                \(letters.map(\.id)), \(letters.map(\.occurrence)), \(letters.map(\.messageID)), \(letters.map(\.operation)),
                \(letters.map(\.queue)), \(letters.map(\.cause)), \(letters.map(\.detail)), \(letters.map { Int32($0.attempts) }),
                \(try letters.map { JSONB(bytes: try JSON.encode($0.history)) }),
                \(try letters.map { JSONB(bytes: try JSON.encode($0.properties)) }),
                \(try letters.map { JSONB(bytes: try JSON.encode($0.headers)) }),
                \(letters.map(\.original)), \(letters.map(\.body)), \(letters.map(\.bodyBytes))
            ) AS new (
                id, occurrence, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original, body,
                body_bytes
            )
            ORDER BY id
            ON CONFLICT (id) DO UPDATE
            SET occurrences = (excluded.occurrences || letter.occurrences)[1:\(raw: "\(maximumOccurrences)")], seen = letter.seen + 1,
                operation = excluded.operation, cause = excluded.cause, detail = excluded.detail, attempts = excluded.attempts,
                history = excluded.history, properties = excluded.properties, headers = excluded.headers, original = excluded.original,
                last_seen_at = excluded.last_seen_at, state = 'open', settled_at = NULL, settled_by = NULL
            WHERE NOT excluded.occurrences <@ letter.occurrences
            RETURNING id, seen
        )
        INSERT INTO audit (letter_id, at, actor, action)
        SELECT id, \(now), \(collector), CASE WHEN seen = 1 THEN 'arrived' ELSE 'returned' END FROM stored ORDER BY id
        """
    }
}
