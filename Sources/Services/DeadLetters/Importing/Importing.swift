import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Imports letters exported from this shop or another one. An existing letter is unchanged.
///
/// A large body comes in parts: the first stores the letter, and the others are appended to its body. Until the last has arrived, the letter is shown but cannot be replayed.
/// The references and words of a letter are taken from the first part, which is larger than the text searched for them.
struct Importing: Sendable {
    let clock: any WallClock

    func add(_ items: [IncomingMessage<ImportedLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        var added: Set<UUID> = []
        var refusals: [LetterPart: Problem] = [:]
        // In the order of their ids, so that two batches cannot deadlock.
        for item in items.sorted(by: { ($0.input.id, $0.input.offset) < ($1.input.id, $1.input.offset) }) {
            guard let letter = Imported(item.input) else { continue }
            guard item.input.offset == 0 else {
                refusals[item.input.part] = try await letter.append(on: transaction)
                continue
            }
            let rows = try await transaction.query(try letter.statement(by: item.request.auditName, now))
            if !rows.isEmpty { added.insert(letter.id) }
            if let alias = letter.alias {
                try await transaction.enqueue("INSERT INTO aliases (alias, letter_id) VALUES (\(alias), \(letter.id)) ON CONFLICT (alias) DO NOTHING")
            }
        }
        let summaries = try await DeadLetterStore.summaries(items.map(\.input.id), on: transaction)
        return try items.map { item in
            if let refusal = refusals[item.input.part] { return .refused(refusal) }
            guard let summary = summaries[item.input.id] else { throw Failure("letter-lost", "letter \(item.input.id) was not stored", remedy: .retry) }
            let isNew = item.input.offset == 0 && added.remove(summary.id) != nil
            return .done(try Reply(status: isNew ? 201 : 200, json: LetterSummaryView(summary)))
        }
    }
}

/// What is stored of an imported letter.
private struct Imported {
    let letter: ImportedLetter
    let original: Original
    let body: [UInt8]
    let group: GroupKey
    let references: References

    init?(_ letter: ImportedLetter) {
        guard let original = letter.source, let body = letter.bytes else { return nil }
        self.letter = letter
        self.original = original
        self.body = body
        group = GroupKey(queue: letter.queue, operation: letter.operation, cause: letter.cause, detail: letter.detail)
        references = References(original, body: body)
    }

    var id: UUID { letter.id }

    /// The id under which an edited message dies again.
    var alias: UUID? {
        letter.edit.map { NewLetter.id(messageID: original.replayedID(of: id), queue: letter.queue, body: Array($0.body.utf8)) }
    }

    /// Its deliveries are unknown, so a death of the message counts as a new one.
    private var occurrences: [[UInt8]] { [SHA256.hash("imported \(id.lowerCaseText)")] }

    /// Appends to the stored body the bytes of the part that it lacks. Returns why it cannot be appended, or nil.
    func append(on transaction: any SQLConnection) async throws -> Problem? {
        let (first, end) = (letter.offset, letter.offset + body.count)
        let rows = try await transaction.query(
            """
            WITH stored AS (SELECT id, length(body) AS bytes FROM letters WHERE id = \(id) FOR UPDATE),
            appended AS (
                UPDATE letters SET body = body || substring(\(body) FROM (bytes - \(first) + 1)::integer)
                FROM stored WHERE letters.id = stored.id AND body_bytes = \(letter.bodyBytes) AND bytes >= \(first) AND bytes < \(end)
            )
            SELECT bytes FROM stored
            """)
        guard let stored = try rows.first?.decode("bytes", as: Int.self) else { return .notFound("dead letter") }
        return stored < first ? .invalidInput("bodyOffset", "must be at most \(stored), the size of the body so far") : nil
    }

    func statement(by actor: String, _ now: Date) throws -> SQL {
        """
        WITH stored AS (
            INSERT INTO letters (
                id, occurrences, seen, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original,
                body, body_bytes, state, first_seen_at, last_seen_at, settled_at, settled_by, service, group_id, rules, order_id, order_number, cart_id,
                customer_id, trace_id, first_failed_at, words, edited_body, edited_by, edited_at, edit_sent
            )
            VALUES (
                \(id), \(occurrences), \(Int32(clamping: letter.seen)), \(letter.messageId), \(letter.operation), \(letter.queue), \(letter.cause), \(letter.detail),
                \(Int32(clamping: letter.attempts)), \(JSONB(bytes: try JSON.encode(letter.history))), \(JSONB(bytes: try JSON.encode(letter.properties))),
                \(JSONB(bytes: try JSON.encode(letter.headers))), \(Base64.decode(letter.original) ?? []), \(body), \(letter.bodyBytes), \(letter.state.rawValue),
                \(letter.firstSeenAt), \(letter.lastSeenAt), \(letter.settledAt), \(letter.settledBy), \(group.service), \(group.id), \(GroupKey.rules),
                \(references.order), \(references.orderNumber), \(references.cart), \(references.customer), \(references.trace),
                \(letter.firstFailedAt ?? letter.firstSeenAt),
                array_to_tsvector(string_to_array(\(SearchWords.joined(body: body, headers: original.headers)), \(SearchWords.separator))),
                \(letter.edit.map { Array($0.body.utf8) }), \(letter.edit?.by), \(letter.edit?.at), \(letter.edit?.sent ?? false)
            )
            ON CONFLICT (id) DO NOTHING
            RETURNING id, group_id, order_id, first_seen_at, last_seen_at
        ),
        described AS (
            SELECT \(id) AS id, \(group.service) AS service, \(group.operation) AS operation, \(group.cause) AS cause, \(group.text) AS group_text
        ),
        \(DeadLetterStore.grouping("stored", texts: "described"))
        INSERT INTO audit (letter_id, at, actor, action)
        SELECT id, \(now), \(actor), 'imported' FROM stored
        RETURNING letter_id
        """
    }
}
