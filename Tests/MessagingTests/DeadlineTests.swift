import AMQP
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging

/// Commands that are delivered, or redelivered, after their deadline.
@Suite struct DeadlineTests {
    private func id(_ number: UInt8) -> UUID {
        UUID(uuid: (number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }

    @Test func `committed outputs are sent however late the broker can route them`() async throws {
        let isBound = Switch(false)
        let ledger = try await Ledger { publication in
            publication.exchange == Exchange.events && !isBound.isOn ? .returned(code: 312, reason: "NO_ROUTE") : .confirmed
        }
        let deadline = ledger.clock.now().addingTimeInterval(10)
        let delivery = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1, deadline: deadline)
        await ledger.processor().process([delivery])
        let waiting = try #require(ledger.publisher.publications.last)
        #expect(waiting.exchange.hasPrefix("retry."))
        ledger.clock.advance(by: 45)
        isBound.isOn = true
        await ledger.processor().process([Ledger.delivery(waiting, tag: 2)])
        let sent = ledger.publisher.publications.filter { $0.exchange == Exchange.events }
        #expect(sent.count == 2)
        #expect(Set(sent.map(\.properties.messageID)).count == 1)
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1, 2])
        await ledger.database.close()
    }

    @Test func `late commands cost one inbox lookup together, whatever their operations; new ones have no effect`() async throws {
        let ledger = try await Ledger()
        let performed = Switch(false)
        let outside = Operation.external(
            "ledger.outside", reading: Operation.contract(Ledger.Entry.self), prepare: { items, _ in items.map(\.input.amount) },
            perform: { items in
                performed.isOn = true
                return items.map(\.plan)
            },
            complete: { items, _ in items.map { _ in .done() } })
        let past = ledger.clock.now().addingTimeInterval(-1)
        let known = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1)
        await ledger.processor().process([known])
        let late = try [
            ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 2, deadline: past),
            ledger.delivery(.init(account: "b", amount: 5), id: id(2), tag: 3, deadline: past),
            ledger.delivery(.init(account: "c", amount: 5), id: id(3), tag: 4, deadline: past, operation: "ledger.outside"),
        ]
        let database = FaultyDatabase(ledger.database)
        await ledger.processor([Ledger.add, outside], database: database).process(late)
        #expect(database.transactions == 1)
        #expect(!performed.isOn)
        #expect(try await ledger.balance("a") == 5)
        #expect(try await ledger.balance("b") == nil)
        #expect(ledger.sent.map(\.exchange) == [Exchange.events, Exchange.events])
        #expect(Set(ledger.sent.map(\.properties.messageID)).count == 1)
        #expect(ledger.consumer.acknowledged.count == 4)
        await ledger.database.close()
    }

    @Test func `a query past its deadline is not carried out, and a message on the ladder does not expire`() async throws {
        let ledger = try await Ledger()
        let asked = Switch(false)
        let query = Operation.query("ledger.read", reading: { $0 }) { items, _ in
            asked.isOn = true
            return items.map { _ in .done(.noContent) }
        }
        let past = ledger.clock.now().addingTimeInterval(-1)
        await ledger.processor([query]).process([
            try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1, deadline: past, operation: "ledger.read")
        ])
        #expect(!asked.isOn && ledger.statuses.isEmpty)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1])
        let later = try ledger.delivery(.init(account: "later", amount: 5), id: id(2), tag: 2)
        var properties = later.properties
        properties.expiration = 1_000
        let publication = Publication(exchange: "", routingKey: "ledger.commands", properties: properties, body: later.body)
        await ledger.processor().process([Ledger.delivery(publication, tag: 2)])
        #expect(ledger.publisher.publications.map { $0.exchange.hasPrefix("retry.") } == [true])
        #expect(ledger.publisher.publications.map(\.properties.expiration) == [nil])
        await ledger.database.close()
    }

    @Test func `of two copies in one batch the one in time is handled`() async throws {
        let ledger = try await Ledger()
        let now = ledger.clock.now()
        let copies = try [(-1.0, 1), (10, 2)].map { offset, tag in
            try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: UInt64(tag), key: "k", deadline: now.addingTimeInterval(offset))
        }
        await ledger.processor().process(copies)
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.statuses == [201, 201])
        await ledger.database.close()
    }

    @Test func `a delivery that may have been committed before is not dropped while the database is down`() async throws {
        let ledger = try await Ledger()
        let deadline = ledger.clock.now().addingTimeInterval(10)
        let first = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1, deadline: deadline)
        await ledger.processor().process([first])
        // Committed; its worker died before the acknowledgement.
        let publication = Publication(exchange: "", routingKey: "ledger.commands", properties: first.properties, body: first.body)
        let away = FaultyDatabase(ledger.database, Array(repeating: .away, count: 100))
        await ledger.processor(database: away).process([Ledger.delivery(publication, tag: 2, redelivered: true)])
        let waiting = try #require(ledger.publisher.publications.last)
        #expect(waiting.exchange.hasPrefix("retry."))
        #expect(ledger.statuses == [201])
        // A new command has had no effect, and its sender is answered so.
        await ledger.processor(database: FaultyDatabase(ledger.database, Array(repeating: .away, count: 100)))
            .process([try ledger.delivery(.init(account: "b", amount: 5), id: id(2), tag: 3, deadline: ledger.clock.now().addingTimeInterval(10))])
        #expect(ledger.statuses == [201, 503])
        #expect(ledger.consumer.acknowledged.map(\.number) == [1, 2, 3])
        await ledger.database.close()
    }
}
