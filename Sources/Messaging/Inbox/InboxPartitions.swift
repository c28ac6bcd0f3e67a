import FoundationEssentials
public import Logging
public import PostgreSQL
import Runtime

/// The daily partitions of a service's inbox: creates upcoming ones and drops those past their retention, while others read and write.
///
/// No step takes a lock on the inbox that a reader or a writer would have to wait for, so that a reader of the whole table, such as `pg_dump`, delays
/// only the drop. The database's clock decides what day it is, not that of a worker's host. Safe to run by many workers at once.
public struct InboxPartitions: Sendable {
    /// Each step waits no longer than this for its lock; then it is tried again.
    static let lockTimeout: Duration = .seconds(2)
    static let lockAttempts = 5
    static let lockPause: Duration = .milliseconds(500)
    /// By how many seconds the clock of a worker's host may differ from the database's: more is logged.
    static let toleratedSkew = 60.0
    /// In days. If the database's clock is further ahead of the newest row and would drop anything, a warning is logged: it may be wrong.
    static let toleratedSilence = 2

    private struct Partition {
        let name: String
        let isAttached: Bool
        /// Detaching it was begun but not completed.
        let isLeaving: Bool
    }

    private let database: any Database
    private let clock: any WallClock
    private let logger: Logger?

    public init(of database: any Database, clock: any WallClock, logger: Logger? = nil) {
        self.database = database
        self.clock = clock
        self.logger = logger
    }

    /// Creates the upcoming days and drops those past their retention, unless another worker is dropping them already. Returns false when a reader of an
    /// old day was in the way. Throws `PostgresError`.
    public func maintain() async throws -> Bool {
        try await prepare()
        return try await expire()
    }

    /// Creates the partitions of the coming days.
    public func prepare() async throws {
        let now = try await now()
        let days = (-1...Inbox.daysAhead).map { Day(now, plus: $0) }
        let existing = try await Set(partitions().filter(\.isAttached).map(\.name))
        for day in days where !existing.contains(day.partition) { try await make(day) }
    }

    /// Created beside the inbox, then attached, which reads and writes do not wait for: `PARTITION OF` would block them all.
    private func make(_ day: Day) async throws {
        try await patiently {
            try await database.transaction { transaction in
                try await limitLocks(on: transaction)
                try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || 'inbox', 0))")
                // Another worker may have been faster, and a day can recur when the clock was set back.
                let found = try await partitions(on: transaction).first { $0.name == day.partition }
                guard found?.isAttached != true else { return }
                if found == nil { try await transaction.execute("CREATE TABLE \(raw: day.partition) (LIKE inbox INCLUDING ALL)") }
                try await transaction.execute(
                    """
                    ALTER TABLE inbox ATTACH PARTITION \(raw: day.partition)
                    FOR VALUES FROM ('\(raw: day.start)') TO ('\(raw: Day(day.date, plus: 1).start)')
                    """)
            }
        }
    }

    /// Drops the partitions past their retention. Returns false when one is still in use.
    ///
    /// One worker at a time: two that detach the same day deadlock. Detaching cannot run inside a transaction, so the session holds the lock.
    private func expire() async throws -> Bool {
        let now = try await now()
        let oldest = try await oldestKept(now)
        return try await database.withConnection { connection in
            let lock = try await connection.query("SELECT pg_try_advisory_lock(hashtextextended(current_schema() || 'inbox.expiry', 0)) AS is_mine").first
            guard try lock?.decode("is_mine") == true else { return true }
            do {
                let isComplete = try await expire(before: oldest, on: connection)
                try await unlock(connection)
                return isComplete
            } catch {
                // A connection that has failed has lost its locks.
                try? await unlock(connection)
                throw error
            }
        }
    }

    private func unlock(_ connection: any SQLConnection) async throws {
        try await connection.execute("SELECT pg_advisory_unlock(hashtextextended(current_schema() || 'inbox.expiry', 0))")
    }

    private func expire(before oldest: String, on connection: any SQLConnection) async throws -> Bool {
        do {
            for partition in try await partitions(on: connection) where partition.isAttached && (partition.isLeaving || partition.name < oldest) {
                let end: SQL = partition.isLeaving ? "FINALIZE" : "CONCURRENTLY"
                try await connection.execute("ALTER TABLE inbox DETACH PARTITION \(raw: partition.name) \(end)")
            }
            for partition in try await partitions(on: connection) where !partition.isAttached && partition.name < oldest {
                try await connection.execute("DROP TABLE IF EXISTS \(raw: partition.name)")
            }
            return true
        } catch let error as PostgresError where error.sqlState == PostgresError.lockNotAvailable {
            logger?.info("an old partition of the inbox is in use; dropping it will be retried", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// The name of the oldest partition to keep. A day is past its retention only when both the database's clock and the newest row say so: a clock
    /// that is days ahead must not erase the inbox.
    private func oldestKept(_ now: Date) async throws -> String {
        let byClock = Day(now, plus: -Inbox.retention).partition
        guard let newest = try await newestDay(), newest.partition < Day(now).partition else { return byClock }
        let oldest = Day(newest.date, plus: -Inbox.retention).partition
        if Day(newest.date, plus: Self.toleratedSilence).partition < Day(now).partition,
            try await partitions().contains(where: { $0.name >= oldest && $0.name < byClock })
        {
            logger?.warning(
                "the inbox keeps days past their retention: no message has been handled for days, or the database's clock is wrong",
                metadata: ["clock": "\(now.ISO8601Format())", "newest": "\(newest.partition)"])
        }
        return oldest
    }

    /// The newest day that has a row.
    private func newestDay() async throws -> Day? {
        for partition in try await partitions().reversed() where partition.isAttached && !partition.isLeaving {
            let rows = try await database.withConnection { try await $0.query("SELECT 1 FROM \(raw: partition.name) LIMIT 1") }
            if !rows.isEmpty { return Day(ofPartition: partition.name) }
        }
        return nil
    }

    // MARK: Queries

    private func now() async throws -> Date {
        guard !clock.isSimulated else { return clock.now() }
        let row = try await database.withConnection { try await $0.query("SELECT clock_timestamp() AS now").first }
        guard let row else { throw PostgresError(.protocolViolation, "the database did not return the time") }
        let now: Date = try row.decode("now")
        let skew = clock.now().timeIntervalSince(now)
        if abs(skew) > Self.toleratedSkew {
            logger?.warning("the clock of this host differs from the database's", metadata: ["seconds": "\(Int(skew.rounded()))"])
        }
        return now
    }

    /// Attached or not, oldest first.
    private func partitions() async throws -> [Partition] {
        try await database.withConnection { try await partitions(on: $0) }
    }

    private func partitions(on connection: any SQLConnection) async throws -> [Partition] {
        try await connection.query(
            """
            SELECT child.relname::text AS name, inhrelid IS NOT NULL AS is_attached, coalesce(inhdetachpending, false) AS is_leaving
            FROM pg_class AS child LEFT JOIN pg_inherits ON inhrelid = child.oid AND inhparent = 'inbox'::regclass
            WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'inbox'::regclass)
              AND relkind = 'r' AND relname ~ '^inbox_[0-9]{8}$'
            ORDER BY relname
            """
        ).map { row in
            Partition(name: try row.decode("name"), isAttached: try row.decode("is_attached"), isLeaving: try row.decode("is_leaving"))
        }
    }

    // MARK: Waiting

    private func limitLocks(on transaction: any SQLConnection) async throws {
        try await transaction.execute("SET LOCAL lock_timeout = '\(raw: "\(Self.lockTimeout.components.seconds)s")'")
    }

    private func patiently(_ body: () async throws -> Void) async throws {
        var attempts = 1
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.sqlState == PostgresError.lockNotAvailable && attempts < Self.lockAttempts {
                attempts += 1
                try await clock.sleep(for: Self.lockPause)
            }
        }
    }
}

/// A day in UTC, as the partitions use it.
private struct Day {
    private static let style = Date.ISO8601FormatStyle().year().month().day()
    private static let prefix = "inbox_"

    let date: Date

    init(_ date: Date, plus days: Int = 0) {
        self.date = date.addingTimeInterval(Double(days) * 86_400)
    }

    init?(ofPartition name: String) {
        let digits = Array(name.dropFirst(Self.prefix.count))
        guard digits.count == 8 else { return nil }
        let text = String(digits.prefix(4)) + "-" + String(digits.dropFirst(4).prefix(2)) + "-" + String(digits.suffix(2))
        guard let date = try? Date(text, strategy: Self.style) else { return nil }
        self.date = date
    }

    private var text: String { date.formatted(Self.style) }
    /// Names sort in the order of their days.
    var partition: String { Self.prefix + text.filter(\.isNumber) }
    var start: String { text + " 00:00:00Z" }
}
