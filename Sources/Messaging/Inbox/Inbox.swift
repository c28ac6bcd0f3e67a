import FoundationEssentials
import PostgreSQL
import Secrets

/// The table behind Wharf's promise: a row says that a message was handled, and holds everything that the handling sends on.
///
/// The row commits with the handling. From then on every delivery of the same message finds it and sends the same outputs again, under the same ids.
/// Partitioned by day: old days are dropped whole (`InboxPartitions`), never row by row.
public struct Inbox: Sendable {
    /// How many days a message, and with it an `Idempotency-Key`, is remembered. Longer than the broker or a saga keeps anything in flight.
    public static let retention = 7
    /// Messages handled since then are certain to be remembered.
    public static func memory(at now: Date) -> Date { now.addingTimeInterval(-Double(retention) * 86_400) }
    /// Partitions that exist ahead of time, so that a new day can begin while the service is down.
    public static let daysAhead = 3

    struct Entry {
        let id: UUID
        let fingerprint: [UInt8]
        let outgoing: OutgoingMessages
    }

    struct Remembered: Sendable {
        let fingerprint: [UInt8]
        let outgoing: OutgoingMessages
        /// Nil where the ids of the outgoing messages are not derived from it.
        let recorded: Date?
    }

    public static let migrations = [
        Migration(
            id: "inbox",
            sql: """
                CREATE TABLE inbox (
                    message_id uuid NOT NULL,
                    fingerprint bytea NOT NULL,
                    outputs json NOT NULL,
                    at timestamptz NOT NULL,
                    PRIMARY KEY (message_id, at)
                ) PARTITION BY RANGE (at);
                """),
        Migration(
            id: "inbox ordered ids",
            sql: """
                -- Whether the ids of the outputs begin with the row's time; those of the rows before this column do not.
                ALTER TABLE inbox ADD COLUMN ordered boolean NOT NULL DEFAULT false;
                """),
        Migration(
            id: "inbox trail",
            sql: """
                -- The inbox without any content: what an auditor may see of it. Who may read the view needs no right on the table.
                CREATE VIEW inbox_trail AS
                SELECT message_id, at, ordered, (
                    SELECT json_agg(json_build_object(
                        'place', place - 1, 'kind', value ->> 'kind', 'key', value ->> 'key', 'replayed', value ->> 'messageID',
                        'operation', value ->> 'operation'))
                    FROM json_array_elements(outputs) WITH ORDINALITY AS output (value, place)
                    WHERE value ->> 'kind' IN ('request', 'event', 'replay')
                ) AS sent
                FROM inbox;
                """),
    ]

    let service: String

    /// Waits until no other transaction handles any of these messages, then returns those that were handled before.
    ///
    /// Two concurrent copies of a message wait for each other here, and the second finds the row of the first. The primary key cannot do this:
    /// in a partitioned table it includes the day, and two copies may meet around midnight. The locks end with the transaction, and are taken in one order,
    /// so that two batches cannot deadlock.
    ///
    /// The statements in `ahead` are sent along; the returned transaction has their results for the handler.
    ///
    /// The derivation of a lock's key must not change: workers of two versions may run side by side, and copies of one message meet only on its key.
    func admit(
        _ ids: [UUID], ahead: [SQL], on transaction: any SQLConnection
    ) async throws -> (known: [UUID: Remembered], transaction: any SQLConnection) {
        let ids = Set(ids).sorted()
        let found = try await transaction.pipeline(
            [
                "SELECT count(pg_advisory_xact_lock(hashtextextended(\(service) || id::text, 0))) FROM unnest(\(ids)) AS id",
                "SELECT message_id, fingerprint, outputs::text AS outputs, at, ordered FROM inbox WHERE message_id = ANY(\(ids))",
            ] + ahead)
        var remembered: [UUID: Remembered] = [:]
        for row in found[1] {
            remembered[try row.decode("message_id")] = Remembered(
                fingerprint: try row.decode("fingerprint"), outgoing: try OutgoingMessages(text: try row.decode("outputs")),
                recorded: try Self.recorded(row))
        }
        return (remembered, ahead.isEmpty ? transaction : ReadAhead(ahead, Array(found.dropFirst(2)), in: transaction))
    }

    /// When the outputs of a row were recorded, if their ids are derived from it; `row` has the columns `at` and `ordered`.
    static func recorded(_ row: Row) throws -> Date? {
        try row.decode("ordered") ? try row.decode("at") : nil
    }

    /// The timestamp for rows recorded now. Whole milliseconds, the precision of the ids: nothing is lost on the way through the database.
    static func time(_ now: Date) -> Date {
        Date(timeIntervalSince1970: (now.timeIntervalSince1970 * 1000).rounded(.down) / 1000)
    }

    /// `now` is a value of `time(_:)`.
    func record(_ entries: [Entry], at now: Date, on transaction: any SQLConnection) async throws {
        guard !entries.isEmpty else { return }
        let outputs = try entries.map { try $0.outgoing.text }
        try await transaction.enqueue(
            """
            INSERT INTO inbox (message_id, fingerprint, outputs, at, ordered)
            SELECT id, fingerprint, outputs::json, \(now), true
            FROM unnest(\(entries.map(\.id)), \(entries.map(\.fingerprint)), \(outputs)) AS new (id, fingerprint, outputs)
            """)
    }

    /// Whether a row was rejected because its day has no partition: the service was down, or could not create any, for longer than `daysAhead`,
    /// or this host's clock is wrong by as much.
    static func lacksPartition(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return error.sqlState == "23514" && error.table == "inbox"
    }
}
