import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging

/// A COMMIT whose answer is lost: it took effect, or it did not.
@Suite struct UnknownCommitTests {
    private let id = UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    @Test(arguments: [FaultyDatabase.Fault.committedUnheard, .rolledBackUnheard])
    func `the inbox is asked again under the same id, and the requester gets the true outcome`(_ fault: FaultyDatabase.Fault) async throws {
        let ledger = try await Ledger()
        let database = FaultyDatabase(ledger.database, [fault, .away, .away])
        let deadline = ledger.clock.now().addingTimeInterval(10)
        await ledger.processor(database: database).process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, deadline: deadline)])
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.statuses == [201])
        #expect(ledger.sent.map(\.exchange) == [Exchange.events])
        #expect(ledger.consumer.acknowledged.map(\.number) == [1])
        await ledger.database.close()
    }

    @Test func `many commands whose COMMIT was unacknowledged count once each`() async throws {
        let ledger = try await Ledger()
        let database = FaultyDatabase(ledger.database, [.committedUnheard, .rolledBackUnheard, .committedUnheard])
        let batch = try (1...20).map { number in
            try ledger.delivery(.init(account: "a", amount: 1), id: UUID(), tag: UInt64(number), deadline: ledger.clock.now().addingTimeInterval(10))
        }
        await ledger.processor(database: database).process(batch)
        #expect(try await ledger.balance("a") == 20)
        #expect(ledger.statuses == Array(repeating: 201, count: 20))
        #expect(Set(ledger.sent.map(\.properties.messageID)).count == 20)
        await ledger.database.close()
    }

    @Test(arguments: [FaultyDatabase.Fault.committedUnheard, .rolledBackUnheard])
    func `an unknown outcome is never reported as refused: the message waits on the ladder, and past its deadline only committed outputs are sent`(
        _ fault: FaultyDatabase.Fault
    ) async throws {
        let ledger = try await Ledger()
        let database = FaultyDatabase(ledger.database, [fault] + Array(repeating: .away, count: 100))
        let deadline = ledger.clock.now().addingTimeInterval(10)
        await ledger.processor(database: database).process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, deadline: deadline)])
        #expect(ledger.statuses.isEmpty)
        let waiting = try #require(ledger.publisher.publications.last)
        #expect(waiting.exchange.hasPrefix("retry."))
        #expect(waiting.properties.headers[HeaderName.cause] == .string("commit-unknown"))
        ledger.clock.advance(by: 60)
        await ledger.processor().process([Ledger.delivery(waiting, tag: 2)])
        let isCommitted = fault == .committedUnheard
        #expect(try await ledger.balance("a") == (isCommitted ? 5 : nil))
        #expect(ledger.sent.count { $0.exchange == Exchange.events } == (isCommitted ? 1 : 0))
        #expect(ledger.consumer.acknowledged.map(\.number) == [1, 2])
        await ledger.database.close()
    }

    @Test func `the committed part of a batch is answered and sent on, whatever happens to another part of it`() async throws {
        let ledger = try await Ledger()
        let other = Operation.command("ledger.other", transaction: .own, reading: Operation.contract(Ledger.Entry.self)) { items, _ in items.map { _ in .done() } }
        let deadline = ledger.clock.now().addingTimeInterval(10)
        let batch = try [
            ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, deadline: deadline),
            ledger.delivery(.init(account: "b", amount: 5), id: UUID(), tag: 2, deadline: deadline, operation: "ledger.other"),
        ]
        let database = FaultyDatabase(ledger.database, [.none] + Array(repeating: .away, count: 100))
        await ledger.processor([Ledger.add, other], database: database).process(batch)
        #expect(ledger.statuses == [201, 503])
        #expect(ledger.sent.map(\.exchange) == [Exchange.events])
        #expect(ledger.consumer.acknowledged.count == 2)
        await ledger.database.close()
    }

    @Test func `a request with credentials gets an unknown outcome, and leaves no letter`() async throws {
        let ledger = try await Ledger()
        let database = FaultyDatabase(ledger.database, [.committedUnheard] + Array(repeating: .away, count: 100))
        let deliveries = try [1, 2].map { tag in
            try ledger.delivery(
                .init(account: "a", amount: 5), id: UUID(), tag: tag, key: tag == 1 ? "k" : nil, deadline: ledger.clock.now().addingTimeInterval(10))
        }
        await ledger.processor(database: database, redacts: true).process(deliveries)
        #expect(ledger.publisher.publications.isEmpty)
        let problems = try ledger.replies.publications.map { try JSON.decode(Problem.self, from: $0.body) }
        #expect(problems.map(\.status) == [504, 504])
        #expect(problems.map(\.retryable) == [true, false])
        #expect(problems.first?.detail.contains("same Idempotency-Key") == true)
        await ledger.database.close()
    }
}
