import Testing

@testable import AMQP

extension BrokerTests {
    @Suite struct ConsumingTests {
        @Test func `gathered deliveries are handed out together, up to the limit`() async throws {
            try await withQueue { publisher, consumer, _, queue in
                let outcomes = await publisher.publish((0..<60).map { message("\($0)", to: queue) })
                #expect(outcomes.areConfirmed)
                let first = try await consumer.next(limit: 10)
                #expect(first.count <= 10)
                let rest = try await consumer.collect(60 - first.count)
                #expect((first + rest).map(\.text) == (0..<60).map { "\($0)" })
            }
        }

        @Test func `acknowledged messages are gone, released ones are redelivered`() async throws {
            try await withQueue(arguments: ["x-queue-type": "quorum"]) { publisher, consumer, topology, queue in
                _ = await publisher.publish((0..<10).map { message("\($0)", to: queue, persistent: true) })
                let deliveries = try await consumer.collect(10)
                let even = deliveries.filter { Int($0.text)?.isMultiple(of: 2) == true }
                let odd = deliveries.filter { Int($0.text)?.isMultiple(of: 2) == false }
                await consumer.acknowledge(even.map(\.tag))
                await consumer.release(odd.map(\.tag))
                let again = try await consumer.collect(5)
                #expect(again.map(\.text).sorted() == ["1", "3", "5", "7", "9"])
                #expect(again.map(\.redelivered) == Array(repeating: true, count: 5))
                // Repeated and outdated settlements must not disturb the channel.
                await consumer.acknowledge(deliveries.map(\.tag) + again.map(\.tag) + again.map(\.tag))
                await consumer.stopConsuming()
                #expect(try await topology.ready(queue) == 0)
            }
        }

        @Test func `rejected messages go to the dead-letter queue`() async throws {
            let broker = try await TestBroker.shared.value
            let dead = try await Topology(broker.configuration).queue()
            let arguments: [String: FieldValue] = ["x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string(dead)]
            try await withQueue(arguments: arguments) { publisher, consumer, topology, queue in
                _ = await publisher.publish([message("a", to: queue), message("b", to: queue)])
                let deliveries = try await consumer.collect(2)
                await consumer.reject([deliveries[0].tag], requeue: true)
                await consumer.reject([deliveries[1].tag], requeue: false)
                let received = try await consumer.next(limit: 1)
                #expect(received.map(\.text) == ["a"])
                try await eventually("b is dead-lettered") { try await topology.ready(dead) == 1 }
            }
        }

        @Test func `prefetch bounds the unacknowledged deliveries`() async throws {
            try await withQueue(prefetch: 5) { publisher, consumer, topology, queue in
                _ = await publisher.publish((0..<20).map { message("\($0)", to: queue) })
                let first = try await consumer.collect(5)
                #expect(try await topology.ready(queue) == 15)
                await consumer.acknowledge(first.map(\.tag))
                let received = try await consumer.collect(5)
                #expect(received.map(\.text) == ["5", "6", "7", "8", "9"])
            }
        }

        @Test func `an exclusive consumer receives messages for its reply address and its bindings`() async throws {
            let broker = try await TestBroker.shared.value
            let publisher = try Publisher(configuration: broker.configuration, confirms: false, logger: quiet)
            let key = "tests.\(UInt64.random(in: 0...UInt64.max))"
            let consumer = try Consumer(
                configuration: broker.configuration, source: .exclusive(bindings: [(exchange: "amq.topic", routingKey: key)]),
                prefetch: 1, noAck: true, logger: quiet
            )
            #expect(consumer.replyAddress == nil)
            try await running(publisher, consumer) {
                try await eventually("it has an address") { consumer.replyAddress != nil }
                let address = try #require(consumer.replyAddress)
                _ = await publisher.publish([
                    message("reply", to: address), Publication(exchange: "amq.topic", routingKey: key, body: Array("event".utf8)),
                ])
                let received = try await consumer.collect(2)
                #expect(received.map(\.text) == ["reply", "event"])
            }
            #expect(consumer.replyAddress == nil)
        }

        @Test func `each connection has an exclusive queue with a unique name, which begins with the prefix`() async throws {
            let broker = try await TestBroker.shared.value
            let prefix = "tests.\(UInt64.random(in: 0...UInt64.max))."
            let consumers = try (0..<2).map { _ in
                try Consumer(
                    configuration: broker.configuration, source: .exclusive(prefix: prefix, bindings: [(exchange: "amq.topic", routingKey: nil)]),
                    prefetch: 1, noAck: true, logger: quiet)
            }
            let publisher = try Publisher(configuration: broker.configuration, confirms: false, logger: quiet)
            try await running(publisher, consumers[0], consumers[1]) {
                try await eventually("both have an address") { consumers.allSatisfy { $0.replyAddress != nil } }
                let addresses = consumers.compactMap(\.replyAddress)
                #expect(Set(addresses).count == 2)
                // At least 128 bits, written with 16 digits and a hyphen for zeros that are left out.
                #expect(addresses.allSatisfy { $0.hasPrefix(prefix) && $0.utf8.count > prefix.utf8.count + 16 })
                for (consumer, address) in zip(consumers, addresses) {
                    _ = await publisher.publish([Publication(exchange: "amq.topic", routingKey: address, body: Array(address.utf8))])
                    #expect(try await consumer.collect(1).map(\.text) == [address])
                }
            }
        }

        @Test func `without acknowledgements the connection stops reading at the bound, and nothing is lost`() async throws {
            let broker = try await TestBroker.shared.value
            let publisher = try Publisher(configuration: broker.configuration, logger: quiet)
            let consumer = try Consumer(
                configuration: broker.configuration, source: .exclusive(bindings: []), prefetch: 1, noAck: true, logger: quiet
            )
            try await running(publisher, consumer) {
                try await eventually("it has an address") { consumer.replyAddress != nil }
                let address = try #require(consumer.replyAddress)
                let count = 2 * DeliveryQueue<Never>.gatheredBound + 5_000
                for start in stride(from: 0, to: count, by: 5_000) {
                    _ = await publisher.publish((start..<start + 5_000).map { message("\($0)", to: address) })
                }
                let received = try await consumer.collect(count)
                #expect(received.map(\.text) == (0..<count).map { "\($0)" })
            }
        }

        @Test func `the error names a queue that is missing at the start`() async throws {
            let broker = try await TestBroker.shared.value
            let consumer = try Consumer(configuration: broker.configuration, source: .queue("tests.missing"), prefetch: 1, logger: quiet)
            let error = await #expect(throws: AMQPError.self) { try await consumer.run() }
            #expect(error?.code == .notFound)
            #expect(error?.message.contains("tests.missing") == true)
            #expect(error?.isTransient == false)
            await #expect(throws: AMQPError.stopped("consumer")) { try await consumer.next(limit: 1) }
        }

        @Test func `a wrong password stops the start with a clear error`() async throws {
            let broker = try await TestBroker.shared.value
            var configuration = try broker.configuration
            configuration.password = "wrong"
            let publisher = Publisher(configuration: configuration, logger: quiet)
            let error = await #expect(throws: AMQPError.self) { try await publisher.run() }
            #expect(error?.code == .accessRefused)
        }

        @Test func `cancelling a task that waits for deliveries ends its wait, and others keep waiting`() async throws {
            try await withQueue { publisher, consumer, _, queue in
                let cancelled = Task { try await consumer.next(limit: 1) }
                let patient = Task { try await consumer.next(limit: 1) }
                cancelled.cancel()
                await #expect(throws: CancellationError.self) { try await cancelled.value }
                _ = await publisher.publish([message("x", to: queue)])
                let deliveries = try await patient.value
                #expect(deliveries.map(\.text) == ["x"])
            }
        }

        @Test func `after stopping, handed-out deliveries can be settled and the rest is back in the queue`() async throws {
            try await withQueue { publisher, consumer, topology, queue in
                _ = await publisher.publish((0..<10).map { message("\($0)", to: queue) })
                let first = try await consumer.next(limit: 1)
                let waiting = Task { while true { _ = try await consumer.next(limit: 1) } }
                try await eventually("all are handed out or gathered") { try await topology.ready(queue) == 0 }
                waiting.cancel()
                _ = await waiting.result
                await consumer.stopConsuming()
                await #expect(throws: AMQPError.stopped("consumer")) { try await consumer.next(limit: 1) }
                await consumer.acknowledge(first.map(\.tag))
                _ = await publisher.publish([message("later", to: queue)])
                try await eventually("the later one stays in the queue") { try await topology.ready(queue) >= 1 }
            }
        }
    }
}
