import AMQP
import FoundationEssentials
import PostgreSQL
import TestKit
import Testing

@testable import JSON
@testable import Messaging

@Suite(.timeLimit(.minutes(3))) struct DeduplicationTests {
    private static let messages = 400
    private static let batch = 20

    /// Work that no constraint and no row conflict would keep from being done twice, at a time of its own.
    private func noting(_ clock: ManualClock) -> Operation {
        Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, transaction in
            try await clock.sleep(for: .milliseconds(1))
            var outcomes: [Outcome] = []
            for item in items {
                try await transaction.execute("INSERT INTO notes VALUES (\(item.input.account))")
                outcomes.append(.done(try Reply(status: 201, json: item.input)))
            }
            return outcomes
        }
    }

    @Test func `a replayed message that differs from the one that was handled under its id becomes a dead letter`() async throws {
        let ledger = try await Ledger()
        let id = UUID()
        let handled = try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)
        let edited = FailedMessage(messageID: id.uuidString, operation: "ledger.add", headers: [:], body: try JSON.encode(Ledger.Entry(account: "a", amount: 6)))
        let same = FailedMessage(messageID: id.uuidString, operation: "ledger.add", headers: [:], body: handled.body)
        let processor = ledger.processor()
        await processor.process([handled])
        await processor.process([Ledger.delivery(same.publication(to: "ledger.commands"), tag: 2)])
        #expect(!ledger.publisher.publications.contains { $0.exchange == Exchange.deadLetters })
        await processor.process([Ledger.delivery(edited.publication(to: "ledger.commands"), tag: 3)])
        #expect(try await ledger.balance("a") == 5)
        let dead = ledger.publisher.publications.filter { $0.exchange == Exchange.deadLetters }
        #expect(dead.map { $0.properties.headers[HeaderName.cause] } == [.string("already-handled")])
        #expect(ledger.consumer.acknowledged.count == 3)
        await ledger.database.close()
    }

    @Test(arguments: ["'repeatable read'", "serializable"])
    func `messages that two workers get at once count once, whatever isolation the database defaults to`(level: String) async throws {
        let ledger = try await Ledger(defaults: ["default_transaction_isolation = \(level)"])
        try await ledger.database.withConnection { _ = try await $0.execute("CREATE TABLE notes (account text)") }
        let deliveries = try (0..<Self.messages).map { number in
            try ledger.delivery(.init(account: "a", amount: 1), id: UUID(), tag: UInt64(number))
        }
        let batches = stride(from: 0, to: deliveries.count, by: Self.batch).map { Array(deliveries[$0..<min($0 + Self.batch, deliveries.count)]) }
        let processor = ledger.processor([noting(ledger.clock)])
        // Both take the same batches in the same order, so that they meet in each.
        await withTaskGroup(of: Void.self) { workers in
            for _ in 0..<2 {
                workers.addTask { for batch in batches { await processor.process(batch) } }
            }
        }
        let notes: Int = try await ledger.database.withConnection { try await $0.query("SELECT count(*) FROM notes") }[0].decode(0)
        #expect(notes == Self.messages)
        await ledger.database.close()
    }
}

@Suite struct LockTableTests {
    @Test func `nothing is reported for a server with room for all sessions`() {
        #expect(LockTable.shortage(each: 64, transactions: 300, others: 50, batches: 4, of: 100) == nil)
    }

    @Test func `a server with too little room is reported with the setting that would fix it`() throws {
        let shortage = try #require(LockTable.shortage(each: 64, transactions: 100, others: 60, batches: 4, of: 100))
        #expect(!shortage.isOwn)
        #expect(LockTable.shortage(each: shortage.setting, transactions: 100, others: 60, batches: 4, of: 100) == nil)
        #expect(LockTable.shortage(each: shortage.setting - 1, transactions: 100, others: 60, batches: 4, of: 100) != nil)
        #expect(shortage.description.contains("max_locks_per_transaction to at least \(shortage.setting)"))
    }

    @Test func `a server with too little room for this process alone is reported differently`() throws {
        #expect(try #require(LockTable.shortage(each: 10, transactions: 20, others: 0, batches: 4, of: 100)).isOwn)
    }

    @Test func `the server's limits are read`() async throws {
        let ledger = try await Ledger()
        let table = LockTable(of: ledger.database)
        #expect(try await table.shortage(batches: 2, of: 100) == nil)
        #expect(try await table.shortage(batches: 1_000, of: 100)?.isOwn == true)
        await ledger.database.close()
    }
}
