import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

enum ImportStore {
    /// So many are shown at once.
    static let rejectionsInPage = 2_000

    private static let columns: SQL = """
        SELECT id, kind, dry_run, mark, currency, bytes, state, reader::text AS reader, step, row_count, accepted, changed, rejected, unlisted, failure, by, started_at,
               finished_at
        FROM imports
        """

    // MARK: - Files

    static func add(_ pieces: [FilePiece], now: Date, on transaction: any SQLConnection) async throws {
        for piece in pieces {
            try await transaction.execute(
                """
                INSERT INTO import_pieces (upload, place, data, at) VALUES (\(piece.upload), \(piece.place), \(piece.bytes), \(now))
                ON CONFLICT DO NOTHING
                """)
        }
    }

    /// Whether all of the file is there.
    static func isWhole(_ new: NewImport, on transaction: any SQLConnection) async throws -> Bool {
        let rows = try await transaction.query(
            "SELECT coalesce(sum(octet_length(data)), 0)::bigint AS bytes FROM import_pieces WHERE upload = \(new.request.upload)")
        return try rows.first?.decode("bytes") == new.bytes
    }

    /// The bytes of the file from `position` on, at most `count` of them.
    static func window(_ upload: UUID, from position: Int, count: Int, on transaction: any SQLConnection) async throws -> [UInt8] {
        let rows = try await transaction.query(
            """
            SELECT substring(data FROM greatest(0, \(position) - place)::integer + 1 FOR least(\(count), \(position) + \(count) - place)::integer) AS data
            FROM import_pieces
            WHERE upload = \(upload) AND place < \(position) + \(count) AND place > \(position) - \(FilePiece.maximumBytes)
                AND place + octet_length(data) > \(position)
            ORDER BY place
            """)
        return try Array(rows.flatMap { try $0.decode("data", as: [UInt8].self) }.prefix(count))
    }

    // MARK: - Statements

    /// Plans the statements of this transaction for the arrays that they bind. A generic plan made while the catalogue was small scans a whole index, and an import
    /// makes the catalogue large in seconds.
    static func planForBatches(on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
    }

    /// Lets the next step begin while the server still writes this one to disk. If the server crashes before this is done, the import continues after the previous step:
    /// position and rows are lost together. A transaction that relies on a row of this step waits, when it commits, until this step is on disk, too.
    static func commitAhead(on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("SELECT set_config('synchronous_commit', 'off', true)")
    }

    /// The steps of an import after which all sessions plan again if their plans were made for a small catalogue: once after the first batch, and once when the catalogue is large.
    private static let replannedAfter: Set<Int> = [1, 8]
    /// The number of products from which plans stay valid as the catalogue grows.
    private static let large = 10_000

    /// Makes all sessions plan again for the grown tables. Autovacuum would do so a minute later; until then every reader would use the slow plans of a small
    /// catalogue. One column of each table is enough to count its rows.
    static func replan(after step: Int, on transaction: any SQLConnection) async throws {
        guard replannedAfter.contains(step) else { return }
        let known = try await transaction.query("SELECT reltuples < \(large) AS is_small FROM pg_class WHERE oid = 'products'::regclass")
        guard try known.first?.decode("is_small") == true else { return }
        try await transaction.enqueue("ANALYZE (SKIP_LOCKED) products (id), stock (sku), product_search (product_id), categories (slug), import_keys (key)")
    }

    // MARK: - Imports

    static func find(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: ImportJob] {
        let jobs = try await connection.query(columns + " WHERE id = ANY(\(ids))").map { try ImportJob($0) }
        return Dictionary(jobs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The imports before `after`, newest first.
    static func list(after: (Date, UUID)?, limit: Int, on connection: any SQLConnection) async throws -> [ImportJob] {
        let start: SQL = after.map { "WHERE (started_at, id) < (\($0.0), \($0.1))" } ?? ""
        return try await connection.query(columns + " " + start + " ORDER BY started_at DESC, id DESC LIMIT \(limit)").map { try ImportJob($0) }
    }

    static func lock(_ id: UUID, on transaction: any SQLConnection) async throws -> ImportJob? {
        try await transaction.query(columns + " WHERE id = \(id) FOR UPDATE").first.map { try ImportJob($0) }
    }

    /// The currency of all products; nil if they have several or there are none. Used because other shops' exports name no currency.
    static func onlyCurrency(on transaction: any SQLConnection) async throws -> String? {
        let rows = try await transaction.query(
            """
            SELECT currency
            FROM (SELECT currency FROM products WHERE NOT archived LIMIT 1) AS first
            WHERE NOT EXISTS (SELECT 1 FROM products WHERE NOT archived AND currency <> first.currency)
            """)
        return try rows.first.map { try $0.decode("currency") }
    }

    static func insert(_ job: ImportJob, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            INSERT INTO imports (id, kind, dry_run, mark, currency, bytes, state, reader, by, started_at, moved_at)
            VALUES (\(job.id), \(job.kind.rawValue), \(job.dryRun), \(job.mark?.rawValue), \(job.currency), \(job.bytes), \(job.state.rawValue),
                    \(try text(job.reader))::text::json, \(job.by), \(job.startedAt), \(job.startedAt))
            """)
    }

    static func save(_ job: ImportJob, now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            UPDATE imports
            SET state = \(job.state.rawValue), reader = \(try text(job.reader))::text::json, step = \(job.step), row_count = \(job.rows),
                accepted = \(job.accepted), changed = \(job.changed), rejected = \(job.rejected), unlisted = \(job.unlisted), failure = \(job.failure), moved_at = \(now),
                finished_at = \(job.finishedAt)
            WHERE id = \(job.id)
            """)
        if job.state != .running {
            try await transaction.execute("DELETE FROM import_pieces WHERE upload = \(job.id)")
            try await transaction.execute("DELETE FROM import_keys WHERE import_id = \(job.id)")
            try await transaction.execute("DELETE FROM import_parents WHERE import_id = \(job.id)")
        }
    }

    /// Records the keys of rows, and returns the lines of the rows of earlier steps that have one of these keys. The import must be locked, so that no other transaction
    /// adds these keys; `ON CONFLICT` would look up each of them a second time.
    static func claim(_ keys: ImportPart.Keys, of id: UUID, on transaction: any SQLConnection) async throws -> [String: Int] {
        guard !keys.names.isEmpty else { return [:] }
        let rows = try await transaction.query("SELECT key, line FROM import_keys WHERE import_id = \(id) AND key = ANY(\(keys.names))")
        let earlier: [String: Int] = try Dictionary(rows.map { (try $0.decode("key"), try $0.decode("line")) }, uniquingKeysWith: { first, _ in first })
        try await transaction.enqueue(recording(keys.without(earlier), of: id))
        return earlier
    }

    static func recording(_ keys: ImportPart.Keys, of id: UUID) -> SQL {
        "INSERT INTO import_keys (import_id, key, line) SELECT \(id), key, line FROM unnest(\(keys.names), \(keys.lines)) AS new (key, line)"
    }

    // MARK: - What was not taken

    /// Of one import: some 30 MB at most. More would not be read, and a file can have millions of lines.
    static let maximumRejections = 100_000

    /// Returns how many were too many to be kept.
    static func add(_ rejections: [Rejection], to id: UUID, keeping limit: Int = maximumRejections, on transaction: any SQLConnection) async throws -> Int {
        guard !rejections.isEmpty else { return 0 }
        let known: Int = try await transaction.query("SELECT coalesce(max(number), 0) AS known FROM import_rejections WHERE import_id = \(id)").first?.decode("known") ?? 0
        let room = max(0, limit - known)
        let kept = rejections.prefix(room)
        try await transaction.execute(
            """
            INSERT INTO import_rejections (import_id, number, line, column_name, value, reason)
            SELECT \(id), \(known) + place, line, column_name, value, reason
            FROM unnest(\(kept.map(\.line)), \(kept.map(\.column)), \(kept.map(\.value)), \(kept.map(\.reason)))
                WITH ORDINALITY AS new (line, column_name, value, reason, place)
            """)
        return rejections.count - kept.count
    }

    /// In the order of the file, those behind `after`.
    static func rejections(of id: UUID, after: Int, limit: Int, on connection: any SQLConnection) async throws -> [(number: Int, rejection: Rejection)] {
        try await connection.query(
            """
            SELECT number, line, column_name, value, reason FROM import_rejections
            WHERE import_id = \(id) AND number > \(after) ORDER BY number LIMIT \(limit)
            """
        ).map { row in
            (
                try row.decode("number"),
                Rejection(line: try row.decode("line"), column: try row.decode("column_name"), value: try row.decode("value"), try row.decode("reason"))
            )
        }
    }

    private static func text(_ reader: ImportReader) throws -> String { String(decoding: try JSON.encode(reader), as: UTF8.self) }
}
