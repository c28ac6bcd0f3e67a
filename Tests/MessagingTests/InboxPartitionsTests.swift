import FoundationEssentials
import PostgreSQL
import TestKit
import Testing

@testable import Messaging
@testable import Runtime

@Suite(.timeLimit(.minutes(3))) struct InboxPartitionsTests {
    /// The days of the inbox, by their partitions' names; those that are being detached are left out.
    private func days(_ ledger: Ledger) async throws -> [String] {
        try await ledger.database.withConnection { connection in
            try await connection.query(
                "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'inbox'::regclass AND NOT inhdetachpending ORDER BY 1"
            ).map { try $0.decode("name") }
        }
    }

    private func tables(_ ledger: Ledger) async throws -> Int {
        try await ledger.database.withConnection { connection in
            try await connection.query("SELECT count(*) FROM pg_class WHERE relname ~ '^inbox_[0-9]{8}$' AND relnamespace = 'ledger'::regnamespace")
        }[0].decode(0)
    }

    private func name(_ date: Date) -> String {
        "inbox_" + date.formatted(Date.ISO8601FormatStyle().year().month().day()).filter(\.isNumber)
    }

    private func day(_ days: Int) -> TimeInterval { Double(days) * 86_400 }

    /// A command takes effect now, and not when the reader has ended.
    private func handle(_ ledger: Ledger, _ number: UInt8) async throws {
        let id = try #require(UUID(uuidString: "00000000-0000-4000-8000-0000000000" + (number < 16 ? "0" : "") + String(number, radix: 16)))
        await ledger.processor().process([try ledger.delivery(.init(account: "a", amount: 1), id: id, tag: UInt64(number))])
    }

    /// Runs `body` while another session reads the whole inbox, as `pg_dump` does.
    private func whileRead(_ ledger: Ledger, _ body: () async throws -> Void) async throws {
        let reader = try PostgresPool(url: ledger.url, size: 1, schema: "ledger", timeouts: .none, logger: Ledger.logger)
        try await reader.transaction { dump in
            try await dump.execute("LOCK TABLE inbox IN ACCESS SHARE MODE")
            try await body()
        }
        await reader.close()
    }

    @Test func `a reader of the whole inbox delays neither a new day nor messages handled meanwhile, and an old day is dropped when it has ended`() async throws {
        let ledger = try await Ledger()
        try await handle(ledger, 1)
        let oldest = name(ledger.clock.now().addingTimeInterval(-day(1)))
        let timeouts = SessionTimeouts(idleInTransaction: nil, lock: .seconds(3))
        let database = try PostgresPool(url: ledger.url, size: 2, applicationName: "maintenance", schema: "ledger", timeouts: timeouts, logger: Ledger.logger)
        let partitions = InboxPartitions(of: database, clock: ledger.clock)
        try await whileRead(ledger) {
            try await ledger.clock.sleep(for: .seconds(day(Inbox.daysAhead + 1)))
            try await partitions.prepare()
            try await handle(ledger, 2)
            try await ledger.clock.sleep(for: .seconds(day(Inbox.retention)))
            try await partitions.prepare()
            try await handle(ledger, 3)

            async let isComplete = partitions.maintain()
            try await eventually("The old day waits for its reader") {
                let rows = try await ledger.database.withConnection {
                    try await $0.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'maintenance' AND wait_event_type = 'Lock'")
                }
                return !rows.isEmpty
            }
            try await handle(ledger, 4)
            #expect(try await ledger.balance("a") == 4)
            #expect(try await !isComplete)
            try await handle(ledger, 5)
            #expect(try await ledger.balance("a") == 5)
            #expect(try await !days(ledger).contains(oldest))
        }
        #expect(try await partitions.maintain())
        let kept = try await days(ledger)
        #expect(kept.first == name(ledger.clock.now().addingTimeInterval(-day(Inbox.retention))))
        #expect(try await tables(ledger) == kept.count)
        await database.close()
        await ledger.database.close()
    }

    @Test func `a worker whose clock is days ahead drops nothing: the database's clock counts`() async throws {
        let ledger = try await Ledger()
        let today = Date()
        // As in a service that has run for long.
        for back in [0, Inbox.retention] {
            try await InboxPartitions(of: ledger.database, clock: ManualClock(today.addingTimeInterval(-day(back)))).prepare()
        }
        let before = try await days(ledger)
        for ahead in [Inbox.retention + 1, 300] {
            let clock = WrongClock(ahead: day(ahead))
            #expect(try await InboxPartitions(of: ledger.database, clock: clock).maintain())
        }
        let kept = try await days(ledger)
        // A midnight may pass meanwhile.
        let remembered = before.filter { $0 >= name(today.addingTimeInterval(-day(Inbox.retention - 1))) && $0 <= name(today) }
        #expect(remembered.count >= 5 && Set(remembered).isSubset(of: kept))
        #expect(!kept.contains(name(today.addingTimeInterval(-day(Inbox.retention + 1)))))
        #expect(kept.allSatisfy { before.contains($0) || $0 <= name(today.addingTimeInterval(day(Inbox.daysAhead + 1))) })
        await ledger.database.close()
    }

    @Test(arguments: [3, 8, 300])
    func `a database clock that is days ahead of all messages erases none of their records`(ahead: Int) async throws {
        let ledger = try await Ledger()
        let partitions = InboxPartitions(of: ledger.database, clock: ledger.clock)
        for _ in 0..<Inbox.retention {
            try await partitions.prepare()
            try await ledger.clock.sleep(for: .seconds(day(1)))
        }
        try await handle(ledger, 1)
        let before = try await days(ledger).filter { $0 >= name(ledger.clock.now().addingTimeInterval(-day(Inbox.retention))) }
        try await ledger.clock.sleep(for: .seconds(day(ahead)))
        #expect(try await partitions.maintain())
        #expect(try await Set(before).isSubset(of: days(ledger)))
        // As soon as a message is handled again, everything past its retention is dropped.
        try await handle(ledger, 2)
        #expect(try await partitions.maintain())
        #expect(try await days(ledger).allSatisfy { $0 >= name(ledger.clock.now().addingTimeInterval(-day(Inbox.retention))) })
        await ledger.database.close()
    }

    @Test func `many workers that maintain the same inbox at once do not disturb each other`() async throws {
        let ledger = try await Ledger()
        try await handle(ledger, 1)
        let partitions = InboxPartitions(of: ledger.database, clock: ledger.clock)
        for number in 2...3 as ClosedRange<UInt8> {
            try await ledger.clock.sleep(for: .seconds(day(Inbox.retention + 2)))
            try await partitions.prepare()
            try await handle(ledger, number)
            try await withThrowingTaskGroup(of: Void.self) { workers in
                for _ in 0..<4 { workers.addTask { _ = try await partitions.maintain() } }
                try await workers.waitForAll()
            }
            #expect(try await partitions.maintain())
            let kept = try await days(ledger)
            #expect(kept.allSatisfy { $0 >= name(ledger.clock.now().addingTimeInterval(-day(Inbox.retention))) })
            #expect(try await tables(ledger) == kept.count)
        }
        #expect(try await ledger.balance("a") == 3)
        await ledger.database.close()
    }

    /// Lets all days pass that there are, and makes new ones, of which today has a message.
    private func pass(_ ledger: Ledger, _ number: UInt8) async throws {
        try await ledger.clock.sleep(for: .seconds(day(Inbox.retention + 2)))
        try await InboxPartitions(of: ledger.database, clock: ledger.clock).prepare()
        try await handle(ledger, number)
    }

    @Test func `one worker at a time drops days: others leave them to it, and may drop the next`() async throws {
        let ledger = try await Ledger()
        let other = try PostgresPool(url: ledger.url, size: 1, schema: "ledger", logger: Ledger.logger)
        let workers = [ledger.database, other].map { InboxPartitions(of: $0, clock: ledger.clock) }
        try await handle(ledger, 1)
        try await pass(ledger, 2)
        let before = try await days(ledger)
        // As in a worker that is dropping days.
        try await other.withConnection { connection in
            try await connection.execute("SELECT pg_advisory_lock(hashtextextended(current_schema() || 'inbox.expiry', 0))")
            #expect(try await workers[0].maintain())
            #expect(try await days(ledger) == before)
            try await connection.execute("SELECT pg_advisory_unlock(hashtextextended(current_schema() || 'inbox.expiry', 0))")
        }
        for (number, worker) in zip(3...4 as ClosedRange<UInt8>, workers) {
            let oldest = name(ledger.clock.now().addingTimeInterval(-day(Inbox.retention)))
            #expect(try await days(ledger).contains { $0 < oldest })
            #expect(try await worker.maintain())
            #expect(try await days(ledger).allSatisfy { $0 >= oldest })
            try await pass(ledger, number)
        }
        await other.close()
        await ledger.database.close()
    }

    @Test func `a day that was created but not attached is attached, and one that was detached but not dropped is dropped`() async throws {
        let ledger = try await Ledger()
        let (tomorrow, old) = (name(ledger.clock.now().addingTimeInterval(day(1))), name(ledger.clock.now().addingTimeInterval(-day(30))))
        try await ledger.database.withConnection { connection in
            _ = try await connection.execute("ALTER TABLE inbox DETACH PARTITION \(raw: tomorrow)")
            _ = try await connection.execute("CREATE TABLE \(raw: old) (LIKE inbox INCLUDING ALL)")
        }
        #expect(try await InboxPartitions(of: ledger.database, clock: ledger.clock).maintain())
        let kept = try await days(ledger)
        #expect(kept.contains(tomorrow))
        #expect(try await tables(ledger) == kept.count)
        await ledger.database.close()
    }

    @Test func `a new day has the keys of the inbox`() async throws {
        let ledger = try await Ledger()
        let rows = try await ledger.database.withConnection { connection in
            try await connection.query("SELECT count(*) FROM pg_index WHERE indrelid = \(name(ledger.clock.now()))::regclass AND indisprimary AND indisvalid")
        }
        #expect(try rows[0].decode(0, as: Int.self) == 1)
        await ledger.database.close()
    }
}

/// A host's clock that is set wrong.
private struct WrongClock: WallClock {
    let ahead: TimeInterval

    func now() -> Date { Date().addingTimeInterval(ahead) }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
