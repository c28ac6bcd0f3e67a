import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Messaging

/// Failures that dead-letter a message at the first attempt, and those that wait or climb the ladder.
@Suite struct BlameTests {
    private let id = UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// A table that a migration has yet to create; a column, the same; a query that an operator cancels; a missing right; a bug; a limit.
    @Test(arguments: [
        ["SELECT FROM nowhere"], ["SELECT nothing FROM accounts"], ["SET LOCAL statement_timeout = 5", "SELECT pg_sleep(10)"],
        ["SET LOCAL ROLE pg_monitor", "DELETE FROM accounts"], ["DO $$ BEGIN RAISE EXCEPTION 'a bug' USING ERRCODE = 'XX000'; END $$"],
        ["DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '54000'; END $$"],
    ])
    func `a failure that no message causes is retried`(statements: [String]) async throws {
        let ledger = try await Ledger()
        let operation = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, transaction in
            for statement in statements { try await transaction.execute("\(raw: statement)") }
            return items.map { _ in .done() }
        }
        await ledger.processor([operation]).process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        #expect(ledger.publisher.publications.map { $0.exchange.hasPrefix("retry.") } == [true])
        #expect(ledger.statuses.isEmpty)
        await ledger.processor([operation]).process([
            try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 2, deadline: ledger.clock.now().addingTimeInterval(10))
        ])
        #expect(ledger.statuses == [503])
        await ledger.database.close()
    }

    @Test func `a checkout that meets a missing table waits on the ladder, and goes through once the table exists`() async throws {
        let ledger = try await Ledger()
        let database = ledger.database
        try await database.withConnection { _ = try await $0.execute("ALTER TABLE accounts RENAME TO accounts_old") }
        await ledger.processor().process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        let waiting = try #require(ledger.publisher.publications.last)
        #expect(waiting.exchange.hasPrefix("retry."))
        #expect(ledger.statuses.isEmpty)
        try await database.withConnection { _ = try await $0.execute("ALTER TABLE accounts_old RENAME TO accounts") }
        await ledger.processor().process([Ledger.delivery(waiting, tag: 2)])
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.statuses == [201])
        await database.close()
    }

    @Test func `messages wait for a database that has become read-only, and none becomes a dead letter`() async throws {
        let ledger = try await Ledger()
        let isReadOnly = Switch(true)
        let operation = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, transaction in
            if isReadOnly.isOn { try await transaction.execute("SET TRANSACTION READ ONLY") }
            for item in items {
                try await transaction.execute("INSERT INTO accounts (name, balance) VALUES (\(item.input.account), \(item.input.amount))")
            }
            return items.map { _ in .done() }
        }
        ledger.clock.onSleep { _ in isReadOnly.isOn = false }
        let batch = try ["a", "b"].enumerated().map { try ledger.delivery(.init(account: $1, amount: 5), id: UUID(), tag: UInt64($0)) }
        await ledger.processor([operation]).process(batch)
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.publisher.publications.isEmpty)
        ledger.clock.onSleep { _ in }
        isReadOnly.isOn = true
        await ledger.processor([operation]).process([try ledger.delivery(.init(account: "c", amount: 5), id: UUID(), tag: 3)])
        #expect(ledger.publisher.publications.map { $0.exchange.hasPrefix("retry.") } == [true])
        await ledger.database.close()
    }

    @Test func `an unexpected error climbs the ladder`() async throws {
        struct Surprise: Error {}
        let ledger = try await Ledger()
        let operation = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { _, _ in throw Surprise() }
        await ledger.processor([operation]).process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        #expect(ledger.publisher.publications.map { $0.exchange.hasPrefix("retry.") } == [true])
        #expect(Failure(Surprise()).remedy == .retry)
        #expect(Failure(Problem.unavailable("not now")).remedy == .retry)
        #expect(Failure(Problem.invalidInput("sku", "is none")).remedy == .deadLetter)
        await ledger.database.close()
    }

    @Test func `queries that meet any database failure are answered with 503`() async throws {
        let ledger = try await Ledger()
        let query = Operation.query("ledger.read", reading: { $0 }) { items, connection in
            try await connection.execute("SELECT FROM nowhere")
            return items.map { _ in .done(.noContent) }
        }
        let deliveries = try (1...3 as ClosedRange<UInt64>).map {
            try ledger.delivery(.init(account: "a", amount: 5), id: UUID(), tag: $0, operation: "ledger.read")
        }
        await ledger.processor([query]).process(deliveries)
        await ledger.processor([query], database: FaultyDatabase(ledger.database, [.away])).process(deliveries)
        #expect(ledger.statuses == Array(repeating: 503, count: 6))
        #expect(ledger.publisher.publications.isEmpty)
        await ledger.database.close()
    }

    @Test func `a request with credentials that fails temporarily is answered with 503, and leaves no letter without its body`() async throws {
        let ledger = try await Ledger()
        let away = FaultyDatabase(ledger.database, Array(repeating: .away, count: 100))
        await ledger.processor(database: away, redacts: true).process([
            try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, deadline: ledger.clock.now().addingTimeInterval(10))
        ])
        #expect(ledger.statuses == [503])
        #expect(ledger.publisher.publications.isEmpty)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1])
        // Not even one past its deadline is stored.
        let redacting = FailureRouting(ladder: .standard, worker: "test", randomness: ledger.randomness, redacts: true)
        #expect(redacting.destination(after: Failure("away", "", remedy: .retry), attempt: 0) == .deadLetter)
        // A request that can never succeed still leaves a trace, without its contents.
        await ledger.processor(redacts: true).process([try ledger.delivery(.init(account: "poison", amount: 5), id: id, tag: 2)])
        #expect(ledger.publisher.publications.map(\.exchange) == [Exchange.deadLetters])
        #expect(ledger.publisher.publications.map(\.body) == [FailedMessage.redactedBody])
        await ledger.database.close()
    }

    @Test func `two concurrent claims of one row are no dead letters; one that can never succeed is`() async throws {
        let ledger = try await Ledger()
        let database = ledger.database
        let rival = Switch(true)
        let claim = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, transaction in
            // Looked up, and not found; then another transaction was faster, the first time.
            let isThere = try await !transaction.query("SELECT FROM accounts WHERE name = \(items[0].input.account)").isEmpty
            if rival.isOn {
                rival.isOn = false
                try await database.withConnection { _ = try await $0.execute("INSERT INTO accounts (name, balance) VALUES ('a', 1)") }
            }
            if !isThere || items[0].input.amount == 0 {
                try await transaction.execute("INSERT INTO accounts (name, balance) VALUES (\(items[0].input.account), 5)")
            }
            return items.map { _ in .done(.noContent) }
        }
        await ledger.processor([claim]).process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        #expect(ledger.statuses == [204])
        #expect(ledger.publisher.publications.isEmpty)
        await ledger.processor([claim]).process([try ledger.delivery(.init(account: "a", amount: 0), id: UUID(), tag: 2)])
        #expect(ledger.publisher.publications.map(\.exchange) == [Exchange.deadLetters])
        await database.close()
    }

    /// Every class of PostgreSQL's appendix A, with those of its codes that differ.
    @Test func `only data exceptions and broken constraints blame the message`() {
        let classes = """
            03 08 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX ZZ
            """.split(separator: " ")
        for name in classes {
            let isServer = ["08", "28", "3D", "53"].contains(name)
            let expected: SQLStateBlame = ["22", "23"].contains(name) ? .message : name == "40" ? .race : isServer ? .server : .circumstances
            for suffix in ["000", "001", "P99"] where !["0A000", "26000"].contains(name + suffix) {
                #expect(SQLStateBlame(name + suffix) == expected, "\(name + suffix)")
            }
        }
        let codes: [String: SQLStateBlame] = [
            "22P02": .message, "22003": .message, "23502": .message, "23503": .message, "23514": .message, "23505": .messageOrRace,
            "23P01": .messageOrRace, "40001": .race, "40P01": .race, "25006": .server, "25P02": .circumstances, "25P03": .server, "53100": .server,
            "53200": .circumstances, "53300": .server, "55P03": .circumstances, "57014": .circumstances, "57P01": .server, "57P02": .server,
            "57P03": .server, "58030": .circumstances, "42P01": .circumstances, "42703": .circumstances, "42501": .circumstances,
            "XX001": .circumstances, "0A000": .race, "": .circumstances,
        ]
        for (code, blame) in codes { #expect(SQLStateBlame(code) == blame, "\(code)") }
        let clientSide: [(PostgresError.Code, Failure.Remedy)] = [
            (.connection, .waitForServer), (.poolExhausted, .waitForServer), (.acquisitionTimeout, .waitForServer), (.commitUnknown, .askInbox),
            (.decoding, .retry), (.poolClosed, .retry), (.cancelled, .retry), (.protocolViolation, .retry), (.misuse, .retry), (.configuration, .retry),
            (.migrationRefused, .retry), (.server(sqlState: "22001"), .deadLetter), (.server(sqlState: "23505"), .deadLetter),
        ]
        for (code, remedy) in clientSide { #expect(Failure(PostgresError(code, "")).remedy == remedy, "\(code)") }
    }
}
