import FoundationEssentials
import Runtime
public import Logging
public import PostgreSQL

/// The days of a service's inbox: makes those to come and drops those past their retention, while others read and write.
///
/// No step takes a lock on the inbox for which a reader or a writer would have to wait, so that whoever reads all of it, such as `pg_dump`, delays nothing
/// but the drop. What day it is the database's clock decides, not that of a worker's host. Safe to run by many workers at once.
public struct InboxPartitions: Sendable {
    /// Each step waits no longer than this for what it locks; then it is tried again.
    static let lockTimeout: Duration = .seconds(2)
    static let lockAttempts = 5
    static let lockPause: Duration = .milliseconds(500)
    /// By how much the clock of a worker's host may differ from the database's, in seconds: more is reported.
    static let toleratedSkew = 60.0
    /// In days. A database's clock further ahead of the newest row is reported where it would drop anything: it may be wrong.
    static let toleratedSilence = 2

    private struct Partition {
        let name: String
        let isAttached: Bool
        /// Its detaching was begun and not ended.
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

    /// Makes the days to come and drops those past their retention, unless another worker is dropping them already. Returns false when a reader of an
    /// old day was in the way. Throws `PostgresError`.
    public func maintain() async throws -> Bool {
        try await prepare()
        return try await expire()
    }

    /// Makes the partitions of the coming days.
    public func prepare() async throws {
        let now = try await now()
        let days = (-1...Inbox.daysAhead).map { Day(now, plus: $0) }
        let existing = try await Set(partitions().filter(\.isAttached).map(\.name))
        for day in days where !existing.contains(day.partition) { try await make(day) }
    }

    /// Made beside the inbox, then attached, which reads and writes do not wait for: `PARTITION OF` would lock everybody out.
    private func make(_ day: Day) async throws {
        try await patiently {
            try await database.transaction { transaction in
                try await limitLocks(on: transaction)
                try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || 'inbox', 0))")
                // Another worker may have been here first, and a day may come back when the clock was set back.
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

    /// Drops the partitions past their retention. False when one is still in use.
    ///
    /// One worker at a time: two that detach the same day run into a deadlock. Detaching cannot run inside a transaction, so the lock is the session's.
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
            logger?.info("an old day of the inbox is being read; dropping it is tried again", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// The name of the oldest partition that is kept. A day is past its retention only when both the database's clock and the newest row say so: a clock
    /// that is days ahead must not erase what is remembered.
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

    // MARK: Asking

    private func now() async throws -> Date {
        guard !clock.isSimulated else { return clock.now() }
        let row = try await database.withConnection { try await $0.query("SELECT clock_timestamp() AS now").first }
        guard let row else { throw PostgresError(.protocolViolation, "the database did not say what time it is") }
        let now: Date = try row.decode("now")
        let skew = clock.now().timeIntervalSince(now)
        if abs(skew) > Self.toleratedSkew {
            logger?.warning("the clock of this host differs from the database's", metadata: ["seconds": "\(Int(skew.rounded()))"])
        }
        return now
    }

    /// Attached or not, the oldest first.
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

/// A day by UTC, as partitions have it.
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
    /// Names sort as their days do.
    var partition: String { Self.prefix + text.filter(\.isNumber) }
    var start: String { text + " 00:00:00Z" }
}
