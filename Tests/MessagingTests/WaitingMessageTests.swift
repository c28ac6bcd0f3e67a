import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Synchronization
import Testing

@testable import Messaging

@Suite struct `Messages on the retry ladder` {
    private let id = UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    private func later(_ ledger: Ledger, tag: UInt64 = 1, deadline: Date? = nil, redelivered: Bool = false, padding: Int = 0) throws -> Delivery {
        let delivery = try ledger.delivery(.init(account: "later", amount: 5), id: id, tag: tag, deadline: deadline)
        var properties = delivery.properties
        properties.headers[HeaderName.order] = .string(UUID.zero.uuidString)
        return Delivery(
            tag: delivery.tag, exchange: "", routingKey: "", redelivered: redelivered, properties: properties,
            body: delivery.body + [UInt8](repeating: UInt8(ascii: " "), count: padding))
    }

    private func message(_ announcement: Delivery?) throws -> WaitingMessage {
        let announcement = try #require(announcement)
        return try #require(WaitingMessage(announcement))
    }

    /// An early copy as the service of dead letters sends it.
    private func copy(of announcement: Delivery, tag: UInt64, redelivered: Bool = false) throws -> Delivery {
        let message = try message(announcement)
        let (bytes, operation) = (try #require(message.copy), try #require(message.operation))
        let copy = try #require(EarlyCopy(bytes, operation: operation, queue: message.queue, dueAt: message.dueAt))
        return Ledger.delivery(copy.publication, tag: tag, redelivered: redelivered)
    }

    @Test func `a message that is set aside is announced with its cause, its attempts and when it returns`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        await processor.process([try later(ledger)])
        let first = try message(ledger.announced.first)
        let rung = try #require(ledger.publisher.publications.first)
        let delay = try #require(RetryLadder.standard.delay(of: rung.exchange))
        #expect(first.queue == "ledger.commands" && first.messageID == id.uuidString && first.operation == "ledger.add")
        #expect(first.cause == "not-now" && first.detail == "try again" && first.attempt == 1)
        #expect(first.dueAt == first.setAsideAt.addingTimeInterval(delay.seconds) && first.since == first.setAsideAt)
        #expect(first.headers[HeaderName.order] == UUID.zero.uuidString && first.body == rung.body)
        ledger.clock.advance(by: delay.seconds)
        await processor.process([Ledger.delivery(rung, tag: 2)])
        let second = try message(ledger.announced.last)
        #expect(second.attempt == 2 && second.since == first.since && second.setAsideAt > first.setAsideAt)
        await ledger.database.close()
    }

    @Test func `a message that the ladder did not take is not announced`() async throws {
        let ledger = try await Ledger { $0.exchange.hasPrefix("retry.") ? .refused : .confirmed }
        await ledger.processor().process([try later(ledger)])
        #expect(ledger.announced.isEmpty && ledger.consumer.released.count == 1)
        await ledger.database.close()
    }

    @Test func `a message whose outputs could not leave is announced with that cause`() async throws {
        let ledger = try await Ledger { $0.exchange == Exchange.events ? .refused : .confirmed }
        await ledger.processor().process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        #expect(ledger.announced.map { WaitingMessage($0)?.cause } == ["queue-full"])
        await ledger.database.close()
    }

    @Test func `neither a dead letter nor a message with credentials is announced`() async throws {
        let ledger = try await Ledger()
        await ledger.processor().process([try ledger.delivery(.init(account: "poison", amount: 5), id: id, tag: 1)])
        await ledger.processor(redacts: true).process([try later(ledger, tag: 2)])
        #expect(ledger.announced.isEmpty)
        await ledger.database.close()
    }

    @Test func `a large message is announced without its body, and has no copy`() async throws {
        let ledger = try await Ledger()
        let large = try later(ledger, padding: WaitingMessage.maximumBody)
        await ledger.processor().process([large])
        let announced = try message(ledger.announced.first)
        #expect(announced.body.isEmpty && announced.copy == nil && announced.attempt == 1)
        #expect(ledger.publisher.publications.first?.body == large.body)
        await ledger.database.close()
    }

    @Test func `either an early copy or its original takes effect, in either order`() async throws {
        for isEarly in [true, false] {
            let ledger = try await Ledger()
            let isDown = Switch(true)
            let operation = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, transaction in
                if isDown.isOn { return items.map { _ in .failed(Failure("not-now", "try again", remedy: .retry)) } }
                return try await Ledger.add(items.map(\.input), on: transaction)
            }
            let processor = ledger.processor([operation])
            await processor.process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
            let rung = Ledger.delivery(try #require(ledger.publisher.publications.first), tag: 2)
            let copy = try copy(of: try #require(ledger.announced.first), tag: 3)
            isDown.isOn = false
            for delivery in isEarly ? [copy, rung] : [rung, copy] { await processor.process([delivery]) }
            #expect(try await ledger.balance("a") == 5)
            #expect(ledger.consumer.acknowledged.count == 3 && ledger.announced.count == 1)
            #expect(ledger.statuses == [201, 201], "the requester is answered by both, and takes the first")
            await ledger.database.close()
        }
    }

    @Test func `an early copy that fails is dropped, and its original is announced again as before`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        await processor.process([try later(ledger)])
        let first = try message(ledger.announced.first)
        ledger.clock.advance(by: 0.1)
        await processor.process([try copy(of: try #require(ledger.announced.first), tag: 2)])
        #expect(ledger.publisher.publications.count == 1, "there is no second message on the ladder")
        #expect(ledger.consumer.acknowledged.count == 2)
        let second = try message(ledger.announced.last)
        #expect(second.attempt == first.attempt && second.dueAt == first.dueAt && second.setAsideAt > first.setAsideAt && second.copy != nil)
        await ledger.database.close()
    }

    @Test func `an early copy that may have been committed climbs the ladder itself, so that its outputs leave`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        await processor.process([try later(ledger)])
        await processor.process([try copy(of: try #require(ledger.announced.first), tag: 2, redelivered: true)])
        let second = try #require(ledger.publisher.publications.last)
        #expect(ledger.publisher.publications.count == 2 && second.exchange.hasPrefix("retry."))
        #expect(second.properties.headers[HeaderName.early] == nil && second.properties.headers[HeaderName.attempt] == .integer(2))
        await ledger.database.close()
    }

    @Test func `an early copy keeps the deadline of its original`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        // A redelivered message may have been committed, so it climbs.
        await processor.process([try later(ledger, deadline: ledger.clock.now().addingTimeInterval(5), redelivered: true)])
        ledger.clock.advance(by: 10)
        let copy = try copy(of: try #require(ledger.announced.first), tag: 2)
        #expect(try Request(copy).deadline != nil)
        await processor.process([copy])
        #expect(ledger.consumer.acknowledged.count == 2 && ledger.publisher.publications.count == 1, "nothing is done after the deadline")
        await ledger.database.close()
    }

    @Test func `an operation that calls an external service ignores a copy whose original is about to return`() async throws {
        let ledger = try await Ledger()
        let calls = Mutex(0)
        let isDown = Switch(true)
        let pay = Operation.external(
            "ledger.add", reading: Operation.contract(Ledger.Entry.self), prepare: { items, _ in items.map(\.input) },
            perform: { items in
                if isDown.isOn { throw Failure("away", "the outside does not answer", remedy: .retry) }
                calls.withLock { $0 += items.count }
                return items.map(\.plan)
            }, complete: { items, _ in items.map { _ in .done() } })
        let processor = ledger.processor([pay])
        var next = try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)
        // The first rungs return within a minute.
        for attempt in 1...4 {
            await processor.process([next])
            next = Ledger.delivery(try #require(ledger.publisher.publications.last), tag: UInt64(attempt + 1))
        }
        isDown.isOn = false
        let announced = ledger.announced
        await processor.process([try copy(of: announced[2], tag: 11)])
        #expect(calls.withLock { $0 } == 0 && ledger.announced.count == 4)
        let last = try copy(of: announced[3], tag: 12)
        await processor.process([last])
        #expect(calls.withLock { $0 } == 1)
        await processor.process([next])
        #expect(calls.withLock { $0 } == 1)
        #expect(Set(ledger.consumer.acknowledged.map(\.number)) == [1, 2, 3, 4, 5, 11, 12])
        await ledger.database.close()
    }
}
