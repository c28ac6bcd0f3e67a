import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Secrets

extension DeadLetterStore {
    /// Total size of the bodies in one statement, in bytes, unless a single one is larger.
    static let maximumStatement = 16 << 20
    /// Deaths of one message that are remembered, so that none of them is counted twice.
    static let maximumOccurrences = 16
    static let collector = "collector"

    /// Stores new letters, counts and reopens returned ones, and skips redeliveries. Each portion has its own transaction, which locks letters before
    /// groups, so that two portions do not deadlock. Storing any of them again is safe.
    static func add(_ letters: [NewLetter], now: Date, to database: any Database) async throws {
        for portion in portions(of: try await resolved(letters, on: database)) {
            let statement = try insertion(portion, now)
            try await database.transaction { transaction in
                // Sent together with the statement.
                try await WaitingStore.end(portion, on: transaction)
                _ = try await transaction.execute(statement)
            }
        }
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

    /// One statement for all of them: the letters, their groups with what is counted there, and the audit log.
    private static func insertion(_ letters: [NewLetter], _ now: Date) throws -> SQL {
        """
        WITH new AS (\(try rows(letters, now))),
        stored AS (
            INSERT INTO letters AS letter (
                id, occurrences, seen, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original,
                body, body_bytes, first_seen_at, last_seen_at, service, group_id, rules, order_id, order_number, cart_id, customer_id, trace_id,
                first_failed_at, words
            )
            SELECT id, ARRAY[occurrence], 1, message_id, operation, queue, cause, detail, attempts, history, properties, headers,
                   original, body, body_bytes, \(now), \(now), service, group_id, \(GroupKey.rules), order_id, order_number, cart_id, customer_id, trace_id,
                   first_failed_at, array_to_tsvector(string_to_array(words, \(SearchWords.separator)))
            FROM new
            ORDER BY id
            ON CONFLICT (id) DO UPDATE
            SET occurrences = (excluded.occurrences || letter.occurrences)[1:\(raw: "\(maximumOccurrences)")], seen = letter.seen + 1,
                operation = excluded.operation, cause = excluded.cause, detail = excluded.detail, attempts = excluded.attempts,
                history = excluded.history, properties = excluded.properties, headers = excluded.headers,
                body = CASE WHEN length(letter.body) < letter.body_bytes AND NOT letter.edit_sent THEN excluded.body ELSE letter.body END,
                original = CASE WHEN letter.edit_sent THEN letter.original ELSE excluded.original END,
                last_seen_at = excluded.last_seen_at, state = 'open', settled_at = NULL, settled_by = NULL,
                group_id = excluded.group_id, rules = excluded.rules, order_id = excluded.order_id, order_number = excluded.order_number,
                cart_id = excluded.cart_id, customer_id = excluded.customer_id, trace_id = excluded.trace_id, words = excluded.words,
                first_failed_at = least(letter.first_failed_at, excluded.first_failed_at)
            WHERE NOT excluded.occurrences <@ letter.occurrences
            RETURNING id, seen, group_id, order_id, last_seen_at, last_seen_at AS first_seen_at
        ),
        \(grouping("stored", texts: "new")),
        hours AS (
            INSERT INTO group_hours AS kept (hour, group_id, deaths)
            SELECT date_trunc('hour', \(now)::timestamptz, 'UTC'), group_id, count(*) FROM stored GROUP BY group_id ORDER BY group_id
            ON CONFLICT (hour, group_id) DO UPDATE SET deaths = kept.deaths + excluded.deaths
        )
        INSERT INTO audit (letter_id, at, actor, action)
        SELECT id, \(now), \(collector), CASE WHEN seen = 1 THEN 'arrived' ELSE 'returned' END FROM stored ORDER BY id
        """
    }

    private static func rows(_ letters: [NewLetter], _ now: Date) throws -> SQL {
        """
        SELECT * FROM unnest(
            \(letters.map(\.id)), \(letters.map(\.occurrence)), \(letters.map(\.messageID)), \(letters.map(\.operation)),
            \(letters.map(\.queue)), \(letters.map(\.cause)), \(letters.map(\.detail)), \(letters.map { Int32($0.attempts) }),
            \(try letters.map { JSONB(bytes: try JSON.encode($0.history)) }),
            \(letters.map(\.properties)), \(letters.map(\.headers)), \(letters.map(\.original)), \(letters.map(\.body)), \(letters.map(\.bodyBytes)),
            \(letters.map(\.group.service)), \(letters.map(\.group.id)), \(letters.map(\.group.text)),
            \(letters.map(\.references.order)), \(letters.map(\.references.orderNumber)), \(letters.map(\.references.cart)),
            \(letters.map(\.references.customer)), \(letters.map(\.references.trace)), \(letters.map { $0.firstFailedAt ?? now }), \(letters.map(\.words))
        ) AS new (
            id, occurrence, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original, body, body_bytes,
            service, group_id, group_text, order_id, order_number, cart_id, customer_id, trace_id, first_failed_at, words
        )
        """
    }
}
