import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Messaging

/// An operation with an effect outside the database, delivered more than once.
@Suite struct ExternalTests {
    private let id = UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// The ids for which each external call was made.
    private final class Calls: Sendable {
        let made = Mutex<[[UUID]]>([])
        var all: [[UUID]] { made.withLock { $0 } }
    }

    private func pay(_ calls: Calls, isDown: Switch = Switch(false)) -> Operation {
        .external(
            "ledger.pay", reading: Operation.contract(Ledger.Entry.self), prepare: { items, _ in items.map(\.input.amount) },
            perform: { items in
                calls.made.withLock { $0.append(items.map(\.item.request.id)) }
                if isDown.isOn { throw Failure("away", "the outside does not answer", remedy: .retry) }
                return items.map(\.plan)
            },
            complete: { items, transaction in
                for entry in items {
                    try await transaction.execute(
                        """
                        INSERT INTO accounts (name, balance) VALUES (\(entry.item.input.account), \(entry.result))
                        ON CONFLICT (name) DO UPDATE SET balance = accounts.balance + excluded.balance
                        """)
                }
                return try items.map { .done(try Reply(status: 201, json: $0.item.input), emit: [try OutgoingMessage(.event("ledger.paid"), $0.item.input)]) }
            })
    }

    @Test func `a committed call is not repeated; its outputs and its answer are sent again`() async throws {
        let ledger = try await Ledger()
        let calls = Calls()
        let processor = ledger.processor([pay(calls)])
        let other = UUID()
        await processor.process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, operation: "ledger.pay")])
        await processor.process([
            try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 2, operation: "ledger.pay"),
            try ledger.delivery(.init(account: "b", amount: 7), id: other, tag: 3, operation: "ledger.pay"),
        ])
        #expect(calls.all == [[id], [other]])
        #expect(try await ledger.balance("a") == 5)
        #expect(try await ledger.balance("b") == 7)
        #expect(ledger.statuses == [201, 201, 201])
        #expect(Set(ledger.sent.map(\.properties.messageID)).count == 2)
        #expect(ledger.sent.count == 3)
        await ledger.database.close()
    }

    @Test func `a call that was not committed is repeated and counts once`() async throws {
        let ledger = try await Ledger()
        let calls = Calls()
        // The intention commits; the transaction after the call does not.
        let database = FaultyDatabase(ledger.database, [.none, .rolledBackUnheard])
        await ledger.processor([pay(calls)], database: database)
            .process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, operation: "ledger.pay")])
        #expect(calls.all == [[id], [id]])
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.statuses == [201])
        await ledger.database.close()
    }

    @Test func `a call whose commit is unacknowledged is not repeated`() async throws {
        let ledger = try await Ledger()
        let calls = Calls()
        let database = FaultyDatabase(ledger.database, [.none, .committedUnheard])
        await ledger.processor([pay(calls)], database: database)
            .process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, operation: "ledger.pay")])
        #expect(calls.all == [[id]])
        #expect(try await ledger.balance("a") == 5)
        await ledger.database.close()
    }

    @Test func `two copies that are carried out at once count once`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor([pay(Calls())])
        let copies = try (1...8 as ClosedRange<UInt64>).map {
            try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: $0, operation: "ledger.pay")
        }
        await withTaskGroup(of: Void.self) { group in
            for copy in copies { group.addTask { await processor.process([copy]) } }
        }
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.statuses == Array(repeating: 201, count: 8))
        await ledger.database.close()
    }

    @Test func `a call without an answer climbs the ladder, and goes through when there is one`() async throws {
        let ledger = try await Ledger()
        let isDown = Switch(true)
        let processor = ledger.processor([pay(Calls(), isDown: isDown)])
        await processor.process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1, operation: "ledger.pay")])
        let waiting = try #require(ledger.publisher.publications.last)
        #expect(waiting.exchange.hasPrefix("retry."))
        isDown.isOn = false
        await processor.process([Ledger.delivery(waiting, tag: 2)])
        #expect(try await ledger.balance("a") == 5)
        await ledger.database.close()
    }
}
