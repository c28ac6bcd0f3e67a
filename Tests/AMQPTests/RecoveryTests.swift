import ServiceLifecycle
import TestKit
import Testing

@testable import AMQP

extension BrokerTests {
    @Suite struct RecoveryTests {
        @Test func `publisher and consumer reconnect after the broker closes their connections, and nothing hangs`() async throws {
            let broker = try await TestBroker.shared.value
            try await withQueue(arguments: ["x-queue-type": "quorum"]) { publisher, consumer, _, queue in
                _ = await publisher.publish([message("first", to: queue, persistent: true)])
                let before = try await consumer.next(limit: 1)
                // Publishing goes on all the while, so that the close hits pending confirms.
                let flood = Task {
                    var outcomes: [PublishOutcome] = []
                    while !Task.isCancelled {
                        outcomes += await publisher.publish((0..<50).map { message("\($0)", to: queue, persistent: true) }, deadline: .seconds(20))
                    }
                    return outcomes
                }
                try await broker.control("close_all_connections", "test")
                try await eventually("both are connected") { publisher.isConnected && consumer.isConnected }
                #expect(await publisher.publish([message("last", to: queue, persistent: true)], deadline: .seconds(20)) == [.confirmed])
                flood.cancel()
                let outcomes = await flood.value
                let failures = Set(outcomes.map(\.failure))
                #expect(failures.isSubset(of: [nil, .connectionLost]))
                // A tag of the lost connection is no longer valid: the message is redelivered.
                await consumer.acknowledge(before.map(\.tag))
                var redelivered: Delivery?
                while redelivered == nil {
                    let deliveries = try await consumer.next(limit: 100)
                    redelivered = deliveries.first { $0.text == "first" }
                    await consumer.acknowledge(deliveries.map(\.tag))
                }
                #expect(redelivered?.redelivered == true)
            }
        }

        @Test func `a new connection logs in with the current password`() async throws {
            let broker = try await TestBroker.shared.value
            try await broker.control("add_user", "renewed", "first")
            try await broker.control("set_permissions", "renewed", ".*", ".*", ".*")
            var first = try broker.configuration
            (first.user, first.password) = ("renewed", "first")
            var second = first
            second.password = "second"
            let configuration = Changing(first)
            // The publisher may reconnect before the test can notice that it lost its connection.
            let lastUsed = Changing("")
            let publisher = Publisher(
                configuration: first,
                renewing: {
                    let current = configuration.current
                    lastUsed.become(current.password)
                    return current
                }, logger: quiet)
            try await running(publisher) {
                try await eventually("it is connected") { publisher.isConnected }
                try await broker.control("change_password", "renewed", "second")
                configuration.become(second)
                try await broker.control("close_all_user_connections", "renewed", "test")
                try await eventually("it has read the new password, and is connected") { lastUsed.current == "second" && publisher.isConnected }
            }
        }

        @Test func `a publication that the broker refuses fails alone, and its neighbours are published though the channel is closed`() async throws {
            try await withQueue(prefetch: 10_000) { publisher, consumer, _, queue in
                let denied = Publication(exchange: "tests.nowhere", routingKey: queue, body: [])
                let rounds = 20
                let start = ContinuousClock.now
                let outcomes = await withTaskGroup(of: (isDenied: Bool, outcome: [PublishOutcome]).self) { group in
                    for number in 0..<rounds * 20 {
                        let isDenied = number % 20 == 7
                        group.addTask { (isDenied, await publisher.publish([isDenied ? denied : message("\(number)", to: queue)], deadline: .seconds(20))) }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                let time = ContinuousClock.now - start
                #expect(outcomes.filter(\.isDenied).flatMap(\.outcome).map(\.failure) == Array(repeating: .notFound, count: rounds))
                #expect(outcomes.filter { !$0.isDenied }.flatMap(\.outcome).areConfirmed)
                // One after the other, with nothing beside them: each costs a connection, and no wait.
                for _ in 0..<rounds { #expect(await publisher.publish([denied], deadline: .seconds(5)).map(\.failure) == [.notFound]) }
                #expect(await publisher.publish([message("last", to: queue)], deadline: .seconds(5)) == [.confirmed])
                #expect(ContinuousClock.now - start < .seconds(20), "\(time) for those at once")
                var texts: Set<String> = []
                while !texts.contains("last") {
                    let deliveries = try await consumer.next(limit: 1_000)
                    texts.formUnion(deliveries.map(\.text))
                    await consumer.acknowledge(deliveries.map(\.tag))
                }
                #expect(texts.count == rounds * 19 + 1)
            }
        }

        @Test func `a consumer whose queue is deleted goes on when the queue is there again`() async throws {
            try await withQueue { publisher, consumer, topology, queue in
                _ = await publisher.publish([message("a", to: queue)])
                #expect(try await consumer.next(limit: 1).map(\.text) == ["a"])
                try await topology.delete(queue)
                try await eventually("the consumer notices") { !consumer.isConnected }
                _ = try await topology.queue(queue)
                _ = await publisher.publish([message("b", to: queue)])
                #expect(try await consumer.next(limit: 1).map(\.text) == ["b"])
            }
        }

        @Test(arguments: [10, 20_000_000])
        func `a frozen broker fails publications within their deadline`(bytes: Int) async throws {
            let broker = try await TestBroker.shared.value
            try await withQueue { publisher, consumer, _, queue in
                #expect(await publisher.publish([message("before", to: queue)]) == [.confirmed])
                let body = [UInt8](repeating: 1, count: bytes / 10)
                let large = Publication(exchange: "", routingKey: queue, properties: Properties(persistent: false), body: body)
                try await broker.frozen {
                    let clock = ContinuousClock()
                    var outcomes: [PublishOutcome] = []
                    let time = await clock.measure {
                        outcomes = await publisher.publish(Array(repeating: large, count: 10), deadline: .seconds(1))
                    }
                    let failures = Set(outcomes.map(\.failure))
                    #expect(failures.isSubset(of: [.deadlineExceeded, .windowFull]))
                    // Well before the missing heartbeats would end the connection.
                    #expect((.milliseconds(990)...(.seconds(5))).contains(time))
                }
                try await eventually("it works again", within: .seconds(30)) {
                    await publisher.publish([message("after", to: queue)], deadline: .seconds(5)) == [.confirmed]
                }
                var texts: Set<String> = []
                while !texts.contains("after") {
                    let deliveries = try await consumer.next(limit: 100)
                    texts.formUnion(deliveries.map(\.text))
                    await consumer.acknowledge(deliveries.map(\.tag))
                }
            }
        }

        @Test func `a silent broker is given up after missed heartbeats`() async throws {
            let broker = try await TestBroker.shared.value
            var configuration = try broker.configuration
            configuration.heartbeat = .seconds(1)
            let publisher = Publisher(configuration: configuration, logger: quiet)
            try await running(publisher) {
                try await eventually("it is connected") { publisher.isConnected }
                try await broker.frozen {
                    try await eventually("it gives up", within: .seconds(6)) { !publisher.isConnected }
                }
                try await eventually("it comes back") { publisher.isConnected }
            }
        }

        @Test func `a memory alarm blocks publishers, and its end lets waiting publications through`() async throws {
            let broker = try await TestBroker.shared.value
            try await withQueue { publisher, consumer, _, queue in
                try await eventually("it is connected") { publisher.isConnected }
                #expect(!publisher.isBlocked)
                try await broker.control("set_vm_memory_high_watermark", "0.000001")
                // The broker sends it only to connections that publish.
                let first = await publisher.publish([message("during", to: queue)], deadline: .seconds(1))
                #expect(first.first?.failure == .deadlineExceeded)
                try await eventually("it is blocked") { publisher.isBlocked }
                #expect(await publisher.publish([message("refused", to: queue)], deadline: .milliseconds(100)).first?.failure == .blocked)
                let waiting = Task { await publisher.publish([message("waiting", to: queue)], deadline: .seconds(120)) }
                try await broker.control("set_vm_memory_high_watermark", "0.4")
                #expect(await waiting.value == [.confirmed])
                #expect(!publisher.isBlocked)
                #expect(try await consumer.collect(2).map(\.text) == ["during", "waiting"])
            }
        }

        @Test func `without a broker a publication fails at its deadline`() async throws {
            let configuration = try AMQPConfiguration(url: "amqp://127.0.0.1:1/", connectionName: "tests")
            let publisher = Publisher(configuration: configuration, logger: quiet)
            try await running(publisher) {
                let outcomes = await publisher.publish([message("x", to: "q")], deadline: .milliseconds(300))
                #expect(outcomes.first?.failure == .notConnected)
                #expect(!publisher.isConnected)
            }
            #expect(await publisher.publish([message("x", to: "q")]).first?.failure == .stopped)
        }

        @Test func `a shutdown loses no acknowledgements, however many deliveries it releases`() async throws {
            let broker = try await TestBroker.shared.value
            let topology = try await Topology(broker.configuration)
            let queue = try await topology.queue(arguments: ["x-queue-type": "quorum"])
            let publisher = try Publisher(configuration: broker.configuration, logger: quiet)
            let consumer = try Consumer(configuration: broker.configuration, source: .queue(queue), prefetch: 1_000, logger: quiet)
            try await running(publisher) {
                let group = ServiceGroup(services: [consumer], logger: quiet)
                let run = Task { try await group.run() }
                _ = await publisher.publish((0..<300).map { message("\($0)", to: queue, persistent: true) })
                let deliveries = try await consumer.collect(10)
                try await eventually("the consumer has all messages") { try await topology.ready(queue) == 0 }
                await consumer.acknowledge(deliveries.map(\.tag))
                await group.triggerGracefulShutdown()
                try await run.value
                let ready = Changing(0)
                try await eventually("all unacknowledged messages are back in the queue, which has \(ready.current)") {
                    ready.become(try await topology.ready(queue))
                    return ready.current == 290
                }
            }
        }

        @Test func `graceful shutdown confirms pending publications and writes the acknowledgements`() async throws {
            let broker = try await TestBroker.shared.value
            let topology = try await Topology(broker.configuration)
            let queue = try await topology.queue(arguments: ["x-queue-type": "quorum"])
            let publisher = try Publisher(configuration: broker.configuration, logger: quiet)
            let consumer = try Consumer(configuration: broker.configuration, source: .queue(queue), prefetch: 10_000, logger: quiet)
            let group = ServiceGroup(services: [publisher, consumer], logger: quiet)
            let run = Task { try await group.run() }
            _ = await publisher.publish((0..<10).map { message("\($0)", to: queue, persistent: true) })
            let deliveries = try await consumer.collect(10)
            async let outcomes = publisher.publish((0..<1_000).map { message("\($0)", to: queue, persistent: true) })
            await consumer.acknowledge(deliveries.map(\.tag))
            try await eventually("the publications are under way") { try await !consumer.next(limit: 1).isEmpty }
            await group.triggerGracefulShutdown()
            let confirmed = await outcomes
            #expect(confirmed.areConfirmed)
            try await run.value
            let ready = Changing(0)
            try await eventually("all unacknowledged messages are back in the queue, which has \(ready.current)") {
                ready.become(try await topology.ready(queue))
                return ready.current == 1_000
            }
            #expect(await publisher.publish([message("late", to: queue)]).first?.failure == .stopped)
            await #expect(throws: AMQPError.stopped("consumer")) { try await consumer.next(limit: 1) }
        }
    }
}
