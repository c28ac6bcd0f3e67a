import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Synchronization
import Testing

@testable import JSON
@testable import Messaging

@Suite struct BatchTests {
    private func id(_ number: UInt8) -> UUID {
        UUID(uuid: (number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }

    @Test func `a batch is handled, answered, sent on and acknowledged`() async throws {
        let ledger = try await Ledger()
        let batch = try (1...50).map {
            try ledger.delivery(.init(account: "a\($0 % 5)", amount: 1), id: id(UInt8($0)), tag: UInt64($0))
        }
        await ledger.processor().process(batch)
        #expect(try await ledger.balance("a1") == 10)
        #expect(ledger.replies.publications.count == 50)
        #expect(ledger.sent.map(\.exchange) == Array(repeating: Exchange.events, count: 50))
        #expect(Set(ledger.consumer.acknowledged) == Set(batch.map(\.tag)))
        await ledger.database.close()
    }

    @Test func `a handled message is answered from the inbox, and its outputs are sent again under the same ids`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        await processor.process([try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1)])
        await processor.process([try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 2)])
        #expect(try await ledger.balance("a") == 5)
        let sent = ledger.publisher.publications
        #expect(sent.count == 2)
        #expect(sent[0].properties.messageID == sent[1].properties.messageID)
        let replies = ledger.replies.publications
        #expect(replies.map(\.body) == [replies[0].body, replies[0].body])
        #expect(replies.map(\.properties.correlationID) == ["c1", "c2"])
        #expect(replies.map { $0.properties.headers[HeaderName.replayed] } == [nil, .boolean(true)])
        await ledger.database.close()
    }

    @Test func `outputs have ids that begin with the time of their handling, whenever they are sent again`() async throws {
        let ledger = try await Ledger()
        // Times between whole milliseconds, as clocks report them.
        for step in 1...20 {
            try await ledger.clock.sleep(for: .microseconds(61_403))
            let handled = ledger.clock.now().timeIntervalSince1970 * 1000
            let tag = UInt64(step)
            let copies = try [tag, 100 + tag].map { try ledger.delivery(.init(account: "a", amount: 5), id: id(UInt8(step)), tag: $0) }
            await ledger.processor().process([copies[0]])
            try await ledger.clock.sleep(for: .seconds(3))
            await ledger.processor().process([copies[1]])
            let ids = ledger.publisher.publications.suffix(2).compactMap(\.properties.messageID)
            #expect(ids.count == 2 && ids[0] == ids[1])
            let time = try #require(UUID(uuidString: ids[0])?.time).timeIntervalSince1970 * 1000
            #expect(time.rounded() == handled.rounded(.down))
        }
        await ledger.database.close()
    }

    @Test func `a message that could not be read is not remembered, so that the corrected request may use the same id`() async throws {
        let ledger = try await Ledger()
        let operation = Operation.command("ledger.add") { request in
            guard let entry = try? JSON.decode(Ledger.Entry.self, from: request.body) else { throw Problem.invalidInput("amount", "is required") }
            return entry
        } handle: { (items: [IncomingMessage<Ledger.Entry>], _) in
            // A refusal by the service itself is final.
            items.map { $0.input.amount > 1_000 ? .refused(.invalidInput("amount", "is too much")) : .done(Reply(status: 201)) }
        }
        let processor = ledger.processor([operation])
        func send(_ body: String, tag: UInt64) async throws -> Reply? {
            let model = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: tag)
            let delivery = Delivery(
                tag: model.tag, exchange: model.exchange, routingKey: model.routingKey, redelivered: false, properties: model.properties, body: Array(body.utf8))
            await processor.process([delivery])
            let answer = ledger.replies.publications.last
            return answer.map { Reply(Delivery(tag: delivery.tag, exchange: "", routingKey: "", redelivered: false, properties: $0.properties, body: $0.body)) }
        }
        #expect(try await send(#"{"account": "a"}"#, tag: 1)?.status == 422)
        #expect(try await send(#"{"account": "a"}"#, tag: 2)?.isReplayed == false)
        #expect(try await send(#"{"account": "a", "amount": 2000}"#, tag: 3)?.status == 422)
        // From here on the key is used up.
        let repeated = try await send(#"{"account": "a", "amount": 2000}"#, tag: 4)
        #expect(repeated?.status == 422 && repeated?.isReplayed == true)
        let other = try await send(#"{"account": "a", "amount": 5}"#, tag: 5)
        #expect(other?.status == 422 && String(decoding: other?.body ?? [], as: UTF8.self).contains("idempotency-key-reused"))
        await ledger.database.close()
    }

    @Test(arguments: [-1, 0, 99, 100, 101, 199, 600, 999, 1_000, Int64.max])
    func `a reply with a status that is not final is an error`(status: Int64) {
        var properties = Properties()
        properties.headers[HeaderName.status] = .integer(status)
        let delivery = Delivery(
            tag: DeliveryTag(generation: 1, number: 1), exchange: "", routingKey: "", redelivered: false, properties: properties, body: [])
        #expect(Reply(delivery).status == 500)
    }

    @Test func `a message is recognised days later, and by a worker whose clock is hours off`() async throws {
        let ledger = try await Ledger()
        let sent = ledger.clock.now().addingTimeInterval(6 * 3600)
        let derived = UUID.v8(at: sent, namespace: id(1), name: "0")
        let foreign = UUID.v7(at: sent.addingTimeInterval(30 * 86_400), random: id(2))
        for days in [0, 1, 3] {
            try await ledger.clock.sleep(for: .seconds(days * 86_400))
            let copies = try [derived, foreign, id(3)].map { try ledger.delivery(.init(account: "a", amount: 5), id: $0, tag: 1) }
            for copy in copies { await ledger.processor().process([copy]) }
            await ledger.processor().process(copies)
        }
        #expect(try await ledger.balance("a") == 15)
        await ledger.database.close()
    }

    @Test func `outputs recorded by an earlier version are sent again under their original ids`() async throws {
        let ledger = try await Ledger()
        let delivery = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1)
        await ledger.processor().process([delivery])
        try await ledger.database.withConnection { _ = try await $0.execute("UPDATE inbox SET ordered = false") }
        await ledger.processor().process([delivery])
        let again = ledger.publisher.publications.last?.properties.messageID
        #expect(again == UUID.v5(namespace: id(1), name: "0").uuidString)
        await ledger.database.close()
    }

    @Test func `a missing partition of the inbox is created, after however long a stop`() async throws {
        let ledger = try await Ledger()
        try await ledger.clock.sleep(for: .seconds((Inbox.daysAhead + 2) * 86_400))
        let batch = try (1...2).map { try ledger.delivery(.init(account: "a", amount: 5), id: id(UInt8($0)), tag: UInt64($0)) }
        await ledger.processor().process(batch)
        #expect(try await ledger.balance("a") == 10)
        #expect(ledger.sent.map(\.exchange) == [Exchange.events, Exchange.events])
        await ledger.database.close()
    }

    @Test func `two copies in one batch fail with the same cause`() async throws {
        let ledger = try await Ledger()
        let copies = try (1...2).map { try ledger.delivery(.init(account: "later", amount: 5), id: id(1), tag: $0) }
        await ledger.processor().process(copies)
        #expect(ledger.publisher.publications.map { $0.properties.headers[HeaderName.cause] } == [.string("not-now"), .string("not-now")])
        await ledger.database.close()
    }

    @Test func `two copies in one batch count once and are both answered`() async throws {
        let ledger = try await Ledger()
        let copies = try (1...2).map { try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: $0) }
        await ledger.processor().process(copies)
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.replies.publications.count == 2)
        await ledger.database.close()
    }

    @Test(arguments: [.ignored(), .refused(.notFound("account"))] as [Outcome])
    func `two copies in one batch are settled alike when the inbox does not remember them`(outcome: Outcome) async throws {
        let ledger = try await Ledger()
        let forgetting = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, _ in items.map { _ in outcome } }
        let copies = try (1...2).map { try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: $0) }
        let another = try ledger.delivery(.init(account: "b", amount: 5), id: id(1), tag: 3)
        await ledger.processor([forgetting]).process(copies + [another])
        // Another message under the same id is handled by itself.
        #expect(ledger.publisher.publications.map { $0.properties.headers[HeaderName.cause] } == [.string("duplicate")])
        #expect(Set(ledger.consumer.acknowledged) == Set((copies + [another]).map(\.tag)))
        await ledger.database.close()
    }

    @Test func `a handler receives of two copies in one batch only one`() async throws {
        let ledger = try await Ledger()
        let received = Mutex<[Int]>([])
        let counting = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, _ in
            received.withLock { $0.append(items.count) }
            return try items.map { .done(try Reply(status: 201, json: $0.input)) }
        }
        await ledger.processor([counting]).process(try (1...2).map { try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: $0) })
        #expect(received.withLock { $0 } == [1])
        await ledger.database.close()
    }

    @Test func `copies that many workers handle at once count once`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        let copies = try (1...20).map { try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: $0) }
        await withTaskGroup(of: Void.self) { group in
            for copy in copies { group.addTask { await processor.process([copy]) } }
        }
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.replies.publications.count == 20)
        #expect(ledger.consumer.acknowledged.count == 20)
        await ledger.database.close()
    }

    @Test func `the same key with another request is rejected with 422 and has no effect`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        await processor.process([try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1, key: "k")])
        await processor.process([try ledger.delivery(.init(account: "a", amount: 6), id: id(1), tag: 2, key: "k")])
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.replies.publications.last?.properties.headers[HeaderName.status] == .integer(422))
        await ledger.database.close()
    }

    @Test func `one message that cannot be handled becomes a dead letter with its cause; its neighbours go through`() async throws {
        let ledger = try await Ledger()
        let names = ["a", "b", "poison", "c", "d"]
        let batch = try names.enumerated().map { index, name in
            try ledger.delivery(.init(account: name, amount: 1), id: id(UInt8(index + 1)), tag: UInt64(index + 1))
        }
        await ledger.processor().process(batch)
        for name in ["a", "b", "c", "d"] { #expect(try await ledger.balance(name) == 1) }
        let dead = ledger.publisher.publications.filter { $0.exchange == Exchange.deadLetters }
        #expect(dead.count == 1)
        #expect(dead.first?.routingKey == "ledger.commands")
        #expect(dead.first?.properties.headers[HeaderName.cause] == .string("poison"))
        #expect(dead.first?.body == batch[2].body)
        #expect(dead.first?.properties.messageID == id(3).uuidString)
        #expect(Set(ledger.consumer.acknowledged) == Set(batch.map(\.tag)))
        await ledger.database.close()
    }

    @Test func `a constraint violation stops only the message that causes it`() async throws {
        let ledger = try await Ledger()
        let batch = try [("a", 1), ("b", 2_000), ("c", 3)].enumerated().map { index, entry in
            try ledger.delivery(.init(account: entry.0, amount: entry.1), id: id(UInt8(index + 1)), tag: UInt64(index + 1))
        }
        await ledger.processor().process(batch)
        #expect(try await ledger.balance("a") == 1)
        #expect(try await ledger.balance("b") == nil)
        #expect(try await ledger.balance("c") == 3)
        #expect(ledger.publisher.publications.count { $0.exchange == Exchange.deadLetters } == 1)
        await ledger.database.close()
    }

    @Test func `a temporary failure climbs the ladder with its history and ends in the dead letters`() async throws {
        let ledger = try await Ledger()
        let processor = ledger.processor()
        var delivery = try ledger.delivery(.init(account: "later", amount: 1), id: id(1), tag: 1)
        var exchanges: [String] = []
        for attempt in 1...RetryLadder.standard.maximumAttempts {
            await processor.process([delivery])
            let publication = try #require(ledger.publisher.publications.last)
            exchanges.append(publication.exchange)
            #expect(publication.routingKey == "ledger.commands")
            #expect(publication.properties.headers[HeaderName.attempt] == .integer(Int64(attempt)))
            delivery = Ledger.delivery(publication, tag: UInt64(attempt + 1))
        }
        #expect(exchanges == ["1s", "5s", "30s", "2m", "10m", "10m", "10m"].map { "retry.\($0).a" } + [Exchange.deadLetters])
        #expect(try Request(delivery).failures.count == RetryLadder.standard.maximumAttempts)
        #expect(try Request(delivery).failures.last?.cause == "not-now")
        await ledger.database.close()
    }

    @Test func `foreign messages become dead letters that state why`() async throws {
        let ledger = try await Ledger()
        var noID = Properties()
        noID.type = "ledger.add"
        var unknown = Properties()
        unknown.messageID = id(2).uuidString
        unknown.type = "ledger.nothing"
        var garbled = Properties()
        garbled.messageID = id(3).uuidString
        garbled.type = "ledger.add"
        let foreign = [(noID, "{}"), (unknown, "{}"), (garbled, "\u{0}not json"), (Properties(), "")]
        let batch = foreign.enumerated().map { index, message in
            Ledger.delivery(
                Publication(exchange: "", routingKey: "ledger.commands", properties: message.0, body: Array(message.1.utf8)),
                tag: UInt64(index + 1))
        }
        let good = try ledger.delivery(.init(account: "a", amount: 1), id: id(9), tag: 9)
        await ledger.processor().process(batch + [good])
        let causes = ledger.publisher.publications.filter { $0.exchange == Exchange.deadLetters }.map {
            $0.properties.headers[HeaderName.cause]
        }
        #expect(causes.count == 4)
        #expect(Set(causes) == [.string("malformed-message"), .string("unknown-operation")])
        #expect(try await ledger.balance("a") == 1)
        await ledger.database.close()
    }

    @Test func `a message past its deadline is dropped without an effect`() async throws {
        let ledger = try await Ledger()
        let past = ledger.clock.now().addingTimeInterval(-1)
        let late = try ledger.delivery(.init(account: "a", amount: 1), id: id(1), tag: 1, deadline: past)
        await ledger.processor().process([late])
        #expect(try await ledger.balance("a") == nil)
        #expect(ledger.consumer.acknowledged == [late.tag])
        await ledger.database.close()
    }

    @Test func `when outputs cannot be published the message is returned, and they are sent at the next delivery`() async throws {
        let lost = AMQPError(.connectionLost, "cut", isTransient: true)
        let ledger = try await Ledger(answer: { _ in .failed(lost) })
        let delivery = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1)
        await ledger.processor().process([delivery])
        #expect(ledger.consumer.acknowledged.isEmpty)
        #expect(ledger.consumer.released == [delivery.tag])
        #expect(try await ledger.balance("a") == 5)
        await ledger.processor().process([delivery])
        #expect(try await ledger.balance("a") == 5)
        #expect(Set(ledger.sent.filter { $0.exchange == Exchange.events }.map(\.properties.messageID)).count == 1)
        await ledger.database.close()
    }

    @Test func `an output that no queue accepts sends its input up the ladder and is never lost`() async throws {
        let ledger = try await Ledger(answer: { publication in
            publication.exchange == Exchange.events ? .returned(code: 312, reason: "NO_ROUTE") : .confirmed
        })
        let delivery = try ledger.delivery(.init(account: "a", amount: 5), id: id(1), tag: 1)
        await ledger.processor().process([delivery])
        let waiting = try #require(ledger.publisher.publications.last)
        #expect(waiting.exchange.hasPrefix("retry."))
        #expect(waiting.properties.headers[HeaderName.cause] == .string("unroutable"))
        #expect(ledger.consumer.acknowledged == [delivery.tag])
        await ledger.database.close()
    }

    @Test func `a message that may have killed workers is handled alone`() async throws {
        let ledger = try await Ledger()
        let batch = try (1...5).map { number in
            let delivery = try ledger.delivery(.init(account: "a", amount: 1), id: id(UInt8(number)), tag: UInt64(number))
            var properties = delivery.properties
            properties.headers["x-delivery-count"] = .integer(3)
            return Delivery(
                tag: delivery.tag, exchange: "", routingKey: "", redelivered: true, properties: properties,
                body: delivery.body)
        }
        await ledger.processor().process(batch)
        #expect(try await ledger.balance("a") == 5)
        #expect(ledger.consumer.acknowledged.count == 5)
        await ledger.database.close()
    }

    @Test func `after a broker has lost everything, the inbox sends all outputs again under the same ids`() async throws {
        let ledger = try await Ledger()
        let batch = try (1...5).map { number in
            try ledger.delivery(.init(account: "a", amount: 1), id: id(UInt8(number)), tag: UInt64(number))
        }
        let start = ledger.clock.now()
        await ledger.processor().process(batch)
        let first = ledger.sent
        let broker = ScriptedPublisher()
        let republisher = InboxRepublisher(database: ledger.database, publisher: broker, clock: ledger.clock)
        let report = try await republisher.republish(since: start)
        #expect(report == .init(handled: 5, sent: 5, lost: 0))
        #expect(Set(broker.publications.map(\.properties.messageID)) == Set(first.map(\.properties.messageID)))
        #expect(try await republisher.republish(since: start.addingTimeInterval(60)).handled == 0)
        await ledger.database.close()
    }
}
