public import Logging

/// Brings a schema up to date: forward only, each migration in a transaction of its own, remembered in the table `migrations` of that schema.
public struct Migrator: Sendable {
    /// A migration may rewrite a large table.
    public static let migrationTimeout: Duration = .seconds(3600)
    /// A migration locks what it changes against every session, and all later requests queue behind a lock that is waited for: behind a dump, a service would
    /// stand still. So it waits briefly and retries.
    static let lockTimeout: Duration = .seconds(2)
    /// Some five minutes, with the pauses; after that an operator must find out which session holds the lock.
    static let lockAttempts = 60
    static let lockPause: Duration = .seconds(3)

    private let schema: String
    private let migrations: [Migration]

    /// Applies what has not been applied, in the order given, and returns the ids of what this call applied.
    ///
    /// Any number of processes may call it at once: they take turns, and each migration runs once. Creates the schema if it does not exist.
    /// Throws `PostgresError` with code `.migrationRefused`, having changed nothing, when the text of an applied migration differs from what
    /// was applied, when one was applied that is not in the list, or when an id stands in the list twice; the message names them.
    @discardableResult
    public static func migrate(
        _ migrations: [Migration], schema: String, on url: String, allowsPlainText: (String) -> Bool = { _ in false }, logger: Logger
    ) async throws -> [String] {
        let pool = try PostgresPool(
            url: url, allowsPlainText: allowsPlainText, size: 1, applicationName: "wharf-migrate", schema: schema, timeouts: .none,
            responseTimeout: migrationTimeout, logger: logger)
        do {
            let applied = try await migrate(migrations, schema: schema, on: pool, logger: logger)
            await pool.close()
            return applied
        } catch {
            await pool.close()
            throw error
        }
    }

    private static func migrate(_ migrations: [Migration], schema: String, on pool: PostgresPool, logger: Logger) async throws -> [String] {
        let migrator = Migrator(schema: schema, migrations: migrations)
        try migrator.refuseDuplicates()
        var applied: [String] = []
        while let id = try await migrator.applyNext(on: pool, logger: logger) {
            logger.info("migrated", metadata: [LogKey.schema: "\(schema)", LogKey.migration: "\(id)"])
            applied.append(id)
        }
        return applied
    }

    private func applyNext(on pool: PostgresPool, logger: Logger) async throws -> String? {
        var attempts = 0
        while true {
            do {
                return try await pool.transaction { try await applyNext(on: $0) }
            } catch let error as PostgresError where error.sqlState == PostgresError.lockNotAvailable && attempts < Self.lockAttempts {
                attempts += 1
                logger.info("a migration is waiting for a lock on a table in use", metadata: [LogKey.schema: "\(schema)", LogKey.error: "\(error)"])
                try await Task.sleep(for: Self.lockPause)
            }
        }
    }

    /// The transaction holds a lock, so the history cannot change between reading and writing. nil: nothing is left to do.
    private func applyNext(on connection: any SQLConnection) async throws -> String? {
        let table = quotedIdentifier(schema) + ".migrations"
        try await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('wharf migrations of ' || \(schema), 0))")
        try await createTable(named: table, on: connection)
        let history = try await connection.query(
            """
            SELECT coalesce(applied.id, known.id) AS id, known.place IS NOT NULL AS is_known, applied.id IS NOT NULL AS is_applied,
                   applied.digest IS DISTINCT FROM sha256(convert_to(known.sql, 'UTF8')) AS differs
            FROM \(raw: table) AS applied
            FULL JOIN unnest(\(migrations.map(\.id)), \(migrations.map(\.sql))) WITH ORDINALITY AS known (id, sql, place) USING (id)
            ORDER BY known.place
            """)
        try refuseRewrittenHistory(history)
        guard let next = try history.first(where: { try !$0.decode("is_applied") }) else { return nil }
        let id: String = try next.decode("id")
        guard let migration = migrations.first(where: { $0.id == id }) else { return nil }
        try await run(migration, on: connection)
        try await connection.execute(
            "INSERT INTO \(raw: table) (id, digest, at) VALUES (\(id), sha256(convert_to(\(migration.sql), 'UTF8')), clock_timestamp())")
        return id
    }

    private func createTable(named table: String, on connection: any SQLConnection) async throws {
        // CREATE … IF NOT EXISTS asks for the right to create even where there is nothing to do.
        let found = try await connection.query(
            "SELECT to_regnamespace(\(quotedIdentifier(schema))) IS NOT NULL AS schema, to_regclass(\(table)) IS NOT NULL AS migrations")
        guard let row = found.first else { return }
        if try !row.decode("schema") { try await connection.execute("CREATE SCHEMA \(identifier: schema)") }
        if try !row.decode("migrations") {
            try await connection.execute(
                "CREATE TABLE \(raw: table) (id text PRIMARY KEY, digest bytea NOT NULL, at timestamptz NOT NULL)")
        }
    }

    private func run(_ migration: Migration, on connection: any SQLConnection) async throws {
        do {
            guard let lease = connection as? Lease else { throw PostgresError(.misuse, "migrations need a connection of a pool") }
            try await connection.execute("SELECT set_config('lock_timeout', \("\(Self.lockTimeout.milliseconds)"), true)")
            try await lease.script(migration.sql)
        } catch var error as PostgresError {
            error.message = "migration \"\(migration.id)\" of schema \(schema) failed: \(error.message)"
            throw error
        }
    }

    private func refuseDuplicates() throws(PostgresError) {
        let twice = Dictionary(grouping: migrations, by: \.id).filter { $0.value.count > 1 }.keys.sorted()
        guard twice.isEmpty else { throw refusal("stand in the list more than once", twice) }
    }

    private func refuseRewrittenHistory(_ history: Rows) throws {
        let unknown = try history.filter { try !$0.decode("is_known") }.map { try $0.decode("id", as: String.self) }
        guard unknown.isEmpty else { throw refusal("were applied, but are unknown to this program; is it older than the database?", unknown) }
        let changed = try history.filter { try $0.decode("is_applied") && $0.decode("differs") }.map { try $0.decode("id", as: String.self) }
        guard changed.isEmpty else { throw refusal("were changed after they had been applied; add a new one instead", changed) }
    }

    private func refusal(_ reason: String, _ ids: [String]) -> PostgresError {
        PostgresError(.migrationRefused, "migrations of schema \(schema) \(reason): \(ids.joined(separator: ", "))")
    }
}
