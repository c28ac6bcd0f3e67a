import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

extension Schema {
    /// The queue of search documents, because an import writes products faster than their documents can be written.
    static let laterSearchDocuments = Migration(
        id: "search documents later",
        sql: """
            -- Products whose documents are to be written, in the order in which they changed.
            CREATE TABLE search_backlog (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                products uuid[] NOT NULL
            );

            ALTER FUNCTION refresh_search(uuid[]) RENAME TO write_search;

            -- At once, or later where the transaction says so. Two transactions that write documents of the same products wait for each other here, so that neither
            -- has rows that the other wants.
            CREATE FUNCTION refresh_search(ids uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                IF current_setting('wharf.search_later', true) = 'on' THEN
                    INSERT INTO search_backlog (products)
                    SELECT array_agg(id) FROM (SELECT id, (row_number() OVER () - 1) / 500 AS part FROM unnest(ids) AS id) AS parts GROUP BY part ORDER BY part;
                ELSE
                    PERFORM pg_advisory_xact_lock(hashtextextended('catalog.search', 0));
                    PERFORM write_search(ids);
                END IF;
            END
            $$;
            """)
}

/// Products whose search documents are written after the transaction that changed them, which is one of an import.
enum SearchBacklog {
    /// How long documents may stay unwritten while the poller is idle.
    static let interval: Duration = .milliseconds(500)
    /// The most entries, of at most 500 products each: what is written in six seconds. An import that is further ahead than this writes documents itself before it
    /// goes on.
    static let maximumEntries = 200
    /// An import without progress for this many seconds is not running: its worker was killed or is waiting for a database.
    static let importPause: TimeInterval = 5

    /// From here on, the documents of products that `transaction` changes are written later.
    static func use(on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("SELECT set_config('wharf.search_later', 'on', true)")
    }

    /// Run by the poller: writes the oldest entry, unless an import is running. The documents would slow the import down by as much as they cost, so
    /// they wait for its end, or until the backlog is full.
    static func workBetweenImports(now: Date, on transaction: any SQLConnection) async throws -> Bool {
        if try await isImporting(now: now, on: transaction), try await !isFull(on: transaction) { return false }
        return try await work(on: transaction)
    }

    private static func isImporting(now: Date, on transaction: any SQLConnection) async throws -> Bool {
        try await transaction.query(
            "SELECT FROM imports WHERE state = 'running' AND NOT dry_run AND moved_at > \(now.addingTimeInterval(-importPause)) LIMIT 1"
        ).isEmpty == false
    }

    /// Writes the search documents of the oldest entry. Returns false if the backlog is empty.
    static func work(on transaction: any SQLConnection) async throws -> Bool {
        try await transaction.query(
            """
            WITH oldest AS (
                DELETE FROM search_backlog
                WHERE id = (SELECT id FROM search_backlog ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING products)
            SELECT pg_advisory_xact_lock(hashtextextended('catalog.search', 0)), write_search(products) FROM oldest
            """
        ).isEmpty == false
    }

    static func isFull(on transaction: any SQLConnection) async throws -> Bool {
        let rows = try await transaction.query("SELECT count(*) > \(maximumEntries) AS is_full FROM (SELECT FROM search_backlog LIMIT \(maximumEntries + 1)) AS entries")
        return try rows.first?.decode("is_full") ?? false
    }
}
