import AMQP
import Messaging
import Testing

/// The behaviour of a broker that Wharf relies on. The simulation is only as good as its model, so the model passes the same tests as RabbitMQ.
@Suite(.timeLimit(.minutes(2))) struct BrokerConformanceTests {
    private static func message(_ text: String, to exchange: String = "work", _ key: String = "a.x", mandatory: Bool = true) -> Publication {
        Publication(
            exchange: exchange, routingKey: key, properties: Properties(messageID: text), body: Array(text.utf8), mandatory: mandatory)
    }

    @Test(arguments: BrokerKind.allCases)
    func `a message goes to every queue that its key is bound to, in the order of publishing`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            let keys = ["a.x", "both", "a.x.y", "both.x.y", "a.z"]
            let outcomes = await broker.publisher.publish(keys.map { Self.message($0, $0, mandatory: false) })
            #expect(outcomes.allSatisfy { $0 == .confirmed })
            let first = try await broker.consumer(of: "work.a", prefetch: 10).collect(4)
            let second = try await broker.consumer(of: "work.b", prefetch: 10).collect(2)
            #expect(first.map(\.text) == ["a.x", "both", "both.x.y", "a.z"])
            #expect(second.map(\.text) == ["both", "both.x.y"])
            #expect(first.allSatisfy { !$0.redelivered && $0.count == 0 })
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a mandatory message that no queue accepts is returned, any other one is dropped`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            let outcomes = await broker.publisher.publish([Self.message("1", "none"), Self.message("2", "none", mandatory: false)])
            #expect(outcomes == [.returned(code: 312, reason: "NO_ROUTE"), .confirmed])
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a full queue refuses, and accepts again when there is room`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            var taken = 0
            // RabbitMQ may accept one more than the bound.
            for number in 1...6 {
                let outcome = await broker.publisher.publish([Self.message("\(number)", to: "", "small")])
                if outcome == [.confirmed] { taken += 1 } else { #expect(outcome == [.refused]) }
            }
            #expect((2...3).contains(taken))
            let consumer = try await broker.consumer(of: "small", prefetch: 10)
            await consumer.acknowledge(try await consumer.collect(taken).map(\.tag))
            #expect(await broker.publisher.publish([Self.message("again", to: "", "small")]) == [.confirmed])
            #expect(try await consumer.collect(1).map(\.text) == ["again"])
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `unacknowledged messages are redelivered when the connection is lost, marked as redelivered`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            _ = await broker.publisher.publish([Self.message("1"), Self.message("2")])
            let consumer = try await broker.consumer(of: "work.a", prefetch: 10)
            let first = try await consumer.collect(2)
            await consumer.acknowledge([first[0].tag])
            await consumer.release([first[1].tag])
            let second = try await consumer.collect(1)
            try await consumer.lose()
            let third = try await consumer.collect(1)
            #expect(second.map(\.text) == ["2"] && third.map(\.text) == ["2"])
            #expect(third[0].redelivered && third[0].count >= 1)
            // A tag of the lost connection settles nothing.
            await consumer.acknowledge([second[0].tag])
            await consumer.release([third[0].tag])
            #expect(try await consumer.collect(1).map(\.text) == ["2"])
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a message requeued too often goes to the dead letters, with the reason`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            _ = await broker.publisher.publish([Self.message("1")])
            let consumer = try await broker.consumer(of: "work.a", prefetch: 10)
            var counts: [Int64] = []
            for _ in 0..<4 {
                let delivery = try await consumer.collect(1)[0]
                counts.append(delivery.count)
                await consumer.reject([delivery.tag], requeue: true)
            }
            #expect(counts == [0, 1, 2, 3])
            let dead = try await broker.consumer(of: "dead", prefetch: 10).collect(1)[0]
            #expect(dead.text == "1" && dead.routingKey == "a.x")
            #expect(dead.properties.headers["x-first-death-reason"] == .string("delivery_limit"))
            #expect(dead.properties.headers["x-first-death-queue"] == .string("work.a"))
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a message that is rejected without requeue goes to the dead letters at once`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            _ = await broker.publisher.publish([Self.message("1")])
            let consumer = try await broker.consumer(of: "work.a", prefetch: 10)
            await consumer.reject(try await consumer.collect(1).map(\.tag), requeue: false)
            let dead = try await broker.consumer(of: "dead", prefetch: 10).collect(1)[0]
            #expect(dead.text == "1")
            #expect(dead.properties.headers["x-first-death-reason"] == .string("rejected"))
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `messages that have waited on a rung go back to the queue that their key names, in order`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            #expect(
                await broker.publisher.publish((1...3).map { Self.message("\($0)", to: "ladder", "work.a") }).allSatisfy { $0 == .confirmed })
            let back = try await broker.consumer(of: "work.a", prefetch: 10).collect(3)
            #expect(back.map(\.text) == ["1", "2", "3"])
            #expect(back.allSatisfy { $0.properties.headers["x-first-death-reason"] == .string("expired") })
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a consumer gets no more than its prefetch before it acknowledges`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            let first = try await broker.consumer(of: "work.a", prefetch: 2)
            _ = await broker.publisher.publish((1...5).map { Self.message("\($0)") })
            let held = try await first.collect(2)
            let rest = try await broker.consumer(of: "work.a", prefetch: 10).collect(3)
            #expect(held.map(\.text) == ["1", "2"])
            #expect(rest.map(\.text) == ["3", "4", "5"])
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a consumer that stops returns the deliveries that it has not handed out`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            _ = await broker.publisher.publish((1...3).map { Self.message("\($0)") })
            let first = try await broker.consumer(of: "work.a", prefetch: 10)
            var held: [Delivery] = []
            while held.isEmpty { held = try await first.next(limit: 1) }
            await first.stopConsuming()
            await #expect { try await first.next(limit: 1) } throws: { ($0 as? AMQPError)?.code == .stopped }
            await first.acknowledge(held.map(\.tag))
            let rest = try await broker.consumer(of: "work.a", prefetch: 10).collect(2)
            #expect(Set(rest.map(\.text)) == ["2", "3"])
        }
    }

    @Test(arguments: BrokerKind.allCases)
    func `a reply queue is gone with its connection, and its successor has another name`(_ kind: BrokerKind) async throws {
        try await kind.run { broker in
            let consumer = try await broker.replyConsumer()
            let address = try #require(await consumer.replyAddress)
            #expect(await broker.publisher.publish([Self.message("1", to: "replies", address)]) == [.confirmed])
            #expect(try await consumer.collect(1).map(\.text) == ["1"])
            try await consumer.lose()
            #expect(await broker.publisher.publish([Self.message("2", to: "replies", address)]) == [.returned(code: 312, reason: "NO_ROUTE")])
        }
    }
}

extension MessageConsumer {
    func collect(_ count: Int) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count { deliveries += try await next(limit: count - deliveries.count) }
        return deliveries
    }
}

extension Delivery {
    var text: String { String(decoding: body, as: UTF8.self) }

    /// 3.10 says 0 where others say nothing.
    var count: Int64 { properties.headers["x-delivery-count"]?.integer ?? 0 }
}
