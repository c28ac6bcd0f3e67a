import FoundationEssentials
import Logging
import Messaging
import Operations
import PostgreSQL
import Terminal

/// Fills the inboxes as a week of messages would. A day that has no partition yet is first filled, then gets its key, and is attached last.
struct GrownInboxes: Sendable {
    private static let days = 6
    private static let dayLength = 86_400
    private static let expired = "inbox_expired"
    private static let sampled = 100
    /// The rows that each service writes for an order and its cart of four items. The ids in carts' inbox are those of requests, in no order; the others begin with the
    /// time.
    private static let shares: KeyValuePairs<String, (perOrder: Int, isOrdered: Bool)> = [
        "orders": (3, true), "catalog": (2, true), "carts": (6, false), "payments": (1, true), "notifications": (1, true),
    ]
    static let rowsPerOrder = shares.reduce(0) { $0 + $1.value.perOrder }
    static let tables = shares.map { "\($0.key).inbox" }
    /// The percentage to which the pages of an index are filled when its keys arrive in no order.
    private static let unorderedFill = 70

    /// The newest rows of an inbox.
    private struct Samples {
        var fingerprints: [String] = []
        var outputs: [String] = []
    }

    /// The time over which rows are spread evenly, in seconds since 1970.
    private struct Span {
        let start: Double
        let end: Double
        let rows: Int

        /// The number of rows before a time.
        func rows(before time: Double) -> Int {
            min(rows, max(0, Int((Double(rows) * (time - start) / (end - start)).rounded(.up))))
        }
    }

    let database: PostgresPool

    func fill(_ rows: Int) async throws {
        let now = try await now()
        let start = now - Double(Self.days * Self.dayLength)
        for (service, share) in Self.shares {
            let samples = try await samples(service)
            let span = Span(start: start, end: now, rows: rows * share.perOrder / Self.rowsPerOrder)
            for day in Int(start) / Self.dayLength...Int(now) / Self.dayLength { try await fill(service, day, span, share.isOrdered, samples) }
            try await addExpired(service, span.rows / Self.days, share.isOrdered, samples, now)
        }
    }

    /// Attaches a day that is past its retention, and drops it as workers do.
    func expire(_ pool: (_ service: String) throws -> PostgresPool, logger: Logger) async throws {
        for (service, _) in Self.shares {
            let day = try await expiredDay(service)
            try await database.withConnection { connection in
                try await connection.execute("ALTER TABLE \(identifier: service).\(identifier: Self.expired) RENAME TO \(identifier: Self.partition(day))")
                try await attach(service, Self.partition(day), day, on: connection)
            }
            let own = try pool(service)
            do {
                let isComplete = try await InboxPartitions(of: own, clock: SystemClock(), logger: logger).maintain()
                guard isComplete else { throw BenchError(.failed, "The inbox of \(service) could not drop its oldest day.") }
            } catch {
                await own.close()
                throw error
            }
            await own.close()
        }
    }

    /// The day of the rows that ``addExpired(_:_:_:_:_:)`` has written. It is read from the rows, because midnight may have passed since.
    private func expiredDay(_ service: String) async throws -> Int {
        let row = try await database.withConnection { connection in
            try await connection.query("SELECT extract(epoch FROM at)::float8 AS at FROM \(identifier: service).\(identifier: Self.expired) LIMIT 1").first
        }
        guard let row else { throw BenchError(.wrong, "The inbox of \(service) has no expired day.") }
        return Int(try row.decode("at", as: Double.self)) / Self.dayLength
    }

    private static func partition(_ day: Int) -> String { "inbox_\(text(day).filter { $0 != "-" })" }

    /// `2026-11-30`
    private static func text(_ day: Int) -> String {
        Date(timeIntervalSince1970: Double(day * dayLength)).formatted(.iso8601.year().month().day())
    }

    private func now() async throws -> Double {
        try await database.withConnection { connection in
            try await connection.query("SELECT extract(epoch FROM now())::float8 AS now").first?.decode("now") ?? 0
        }
    }

    private func samples(_ service: String) async throws -> Samples {
        let rows = try await database.withConnection { connection in
            try await connection.query(
                """
                SELECT encode(fingerprint, 'hex') AS fingerprint, outputs::text AS outputs
                FROM \(identifier: service).inbox ORDER BY at DESC LIMIT \(Self.sampled)::bigint
                """)
        }
        var samples = Samples()
        for row in rows {
            samples.fingerprints.append(try row.decode("fingerprint"))
            samples.outputs.append(try row.decode("outputs"))
        }
        guard !samples.outputs.isEmpty else { throw BenchError(.wrong, "The inbox of \(service) has no rows to fill it with.") }
        return samples
    }

    private func fill(_ service: String, _ day: Int, _ span: Span, _ isOrdered: Bool, _ samples: Samples) async throws {
        let (name, begin, end) = (Self.partition(day), Double(day * Self.dayLength), Double((day + 1) * Self.dayLength))
        let isNew = try await make(service, name)
        let spread = "to_timestamp(\(span.start) + \(span.end - span.start) * n::float8 / \(span.rows))"
        // Rounding must not move the first or the last row into another day.
        let at = "least(greatest(\(spread), to_timestamp(\(begin))), to_timestamp(\(end)) - interval '1 microsecond')"
        try await insert(service, name, span.rows(before: begin)..<span.rows(before: end), at: at, isOrdered, samples)
        guard isNew else { return }
        try await complete(service, name, isOrdered)
        try await database.withConnection { try await attach(service, name, day, on: $0) }
    }

    /// Fills an expired day in a table that is not attached to the inbox, because workers would drop the day at once.
    private func addExpired(_ service: String, _ rows: Int, _ isOrdered: Bool, _ samples: Samples, _ now: Double) async throws {
        guard try await make(service, Self.expired) else { return }
        let begin = (Int(now) / Self.dayLength - Inbox.retention - 1) * Self.dayLength
        try await insert(service, Self.expired, 0..<rows, at: "to_timestamp(\(begin) + \(Self.dayLength - 1)::float8 * n / \(rows))", isOrdered, samples)
        try await complete(service, Self.expired, isOrdered)
    }

    /// Creates a table like the inbox, without its key. Returns false if the table already exists.
    private func make(_ service: String, _ name: String) async throws -> Bool {
        try await database.withConnection { connection in
            let found = try await connection.query("SELECT to_regclass(\("\(service).\(name)")) IS NOT NULL AS found").first
            guard try found?.decode("found") == false else { return false }
            try await connection.execute("CREATE TABLE \(identifier: service).\(identifier: name) (LIKE \(identifier: service).inbox INCLUDING ALL EXCLUDING INDEXES)")
            let owner = try await connection.query("SELECT relowner::regrole::text AS owner FROM pg_class WHERE oid = \("\(service).inbox")::regclass").first
            // The service must own the table to drop it when it has expired.
            if let owner { try await connection.execute("ALTER TABLE \(identifier: service).\(identifier: name) OWNER TO \(raw: try owner.decode("owner", as: String.self))") }
            return true
        }
    }

    private func complete(_ service: String, _ name: String, _ isOrdered: Bool) async throws {
        try await database.withConnection { connection in
            _ = try await connection.execute(
                "ALTER TABLE \(identifier: service).\(identifier: name) ADD PRIMARY KEY (message_id, at) WITH (fillfactor = \(raw: "\(isOrdered ? 90 : Self.unorderedFill)"))")
        }
    }

    private func attach(_ service: String, _ name: String, _ day: Int, on connection: any SQLConnection) async throws {
        try await connection.execute(
            """
            ALTER TABLE \(identifier: service).inbox ATTACH PARTITION \(identifier: service).\(identifier: name)
            FOR VALUES FROM ('\(raw: Self.text(day)) 00:00:00Z') TO ('\(raw: Self.text(day + 1)) 00:00:00Z')
            """)
    }

    /// - Parameter at: SQL for the time of row `n`.
    private func insert(_ service: String, _ name: String, _ rows: Range<Int>, at: String, _ isOrdered: Bool, _ samples: Samples) async throws {
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: GrownTables.atOnce) {
            try Task.checkCancellation()
            let last = min(rows.upperBound, first + GrownTables.atOnce) - 1
            try await database.withConnection { connection in
                _ = try await connection.execute(
                    """
                    INSERT INTO \(identifier: service).\(identifier: name) (message_id, fingerprint, outputs, at, ordered)
                    SELECT \(raw: isOrdered ? GrownTables.orderedID("handled.at") : "gen_random_uuid()"), decode(fingerprint, 'hex'), outputs::json, handled.at, true
                    FROM generate_series(\(first)::bigint, \(last)::bigint) AS n CROSS JOIN LATERAL (SELECT \(raw: at) AS at) AS handled
                    JOIN unnest(\(samples.fingerprints), \(samples.outputs)) WITH ORDINALITY AS model (fingerprint, outputs, place) ON place = 1 + n % \(samples.outputs.count)::bigint
                    ORDER BY n
                    """)
            }
        }
    }
}
