import AMQP
import FoundationEssentials
import LocalServers
import Logging
import Messaging
import ServiceLifecycle
import Synchronization
import TestKit
import Testing
import Topology

@testable import Simulation

let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

/// A broker as the conformance suite needs it: fresh for each test, with the topology of the suite.
protocol ConformingBroker: Sendable {
    var publisher: any MessagePublisher { get }
    /// Connected when it returns.
    func consumer(of queue: String, prefetch: Int) async throws -> any LosableConsumer
    /// An exclusive queue, bound to the exchange `replies` by its own name.
    func replyConsumer() async throws -> any LosableConsumer
}

/// A consumer whose connection a test can cut; it reconnects by itself.
protocol LosableConsumer: MessageConsumer {
    func lose() async throws
}

enum BrokerKind: String, CaseIterable, CustomTestStringConvertible {
    case model, rabbitMQ

    var testDescription: String { rawValue }

    func run(_ body: @escaping @Sendable (any ConformingBroker) async throws -> Void) async throws {
        switch self {
        case .model:
            let clock = SimulatedClock(start: Date(timeIntervalSince1970: 0))
            let broker = try ModelBroker(
                Definitions(json: Array(ConformanceTopology.json.utf8)), clock: clock, chance: Chance(seed: 1))
            try await Scheduler(seed: 1, clock: clock).run { try await body(Model(broker: broker)) }
        case .rabbitMQ:
            try await Real.run(body)
        }
    }
}

private struct Model: ConformingBroker {
    let broker: ModelBroker
    private let faults: Faults
    private let process: SimulatedProcess

    init(broker: ModelBroker) {
        self.broker = broker
        faults = Faults(seed: 1, isOn: false, trace: Trace(clock: broker.clock))
        process = SimulatedProcess("test", faults: faults, visits: Visits())
    }

    var publisher: any MessagePublisher { ModelPublisher(broker: broker, confirms: true, process: process, faults: faults) }

    func consumer(of queue: String, prefetch: Int) async throws -> any LosableConsumer {
        ModelConsumer(queue, of: broker, prefetch: prefetch, process: process, faults: faults, visits: Visits())
    }

    func replyConsumer() async throws -> any LosableConsumer {
        ModelConsumer("replies", exclusiveIn: ["replies"], of: broker, prefetch: 10, noAck: true, process: process, faults: faults, visits: Visits())
    }
}

extension ModelConsumer: LosableConsumer {
    func lose() async throws {
        broker.disconnect(id, for: .milliseconds(100))
    }
}

/// The real client against a virtual host of its own.
private struct Real: ConformingBroker {
    private static let numbers = Atomic<Int>(0)

    let publisher: any MessagePublisher
    private let url: String
    private let host: String
    private let server: RabbitMQServer
    private let start: @Sendable (any Service) -> Void

    static func run(_ body: @escaping @Sendable (any ConformingBroker) async throws -> Void) async throws {
        let server = try await TestServers.rabbitMQ()
        let host = "conformance-\(numbers.add(1, ordering: .relaxed).newValue)"
        let url = try await server.createVirtualHost(host)
        let definitions = ConformanceTopology.json.replacing(#""vhost":"/""#, with: #""vhost":"\#(host)""#)
            .replacing(#""vhosts":[{"name":"/"}],"#, with: "")
        _ = try await server.management.send("POST", "/api/definitions", body: definitions)
        let publisher = try Publisher(configuration: AMQPConfiguration(url: url, connectionName: "publisher"), logger: quiet)
        let (services, feed) = AsyncStream<any Service>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            group.addTask {
                try await withThrowingDiscardingTaskGroup { consumers in
                    for await service in services { consumers.addTask { try await service.run() } }
                }
            }
            defer { group.cancelAll() }
            try await body(Real(publisher: publisher, url: url, host: host, server: server) { feed.yield($0) })
            feed.finish()
        }
    }

    private init(
        publisher: any MessagePublisher, url: String, host: String, server: RabbitMQServer, start: @escaping @Sendable (any Service) -> Void
    ) {
        (self.publisher, self.url, self.host, self.server, self.start) = (publisher, url, host, server, start)
    }

    func consumer(of queue: String, prefetch: Int) async throws -> any LosableConsumer {
        try open(.queue(queue), prefetch: prefetch, noAck: false)
    }

    func replyConsumer() async throws -> any LosableConsumer {
        let consumer = try open(.exclusive(bindings: [("replies", nil)]), prefetch: 10, noAck: true)
        try await eventually("A reply queue") { await consumer.replyAddress != nil }
        return consumer
    }

    private func open(_ source: Consumer.Source, prefetch: Int, noAck: Bool) throws -> RealConsumer {
        let name = "consumer \(Self.numbers.add(1, ordering: .relaxed).newValue)"
        let consumer = try Consumer(
            configuration: AMQPConfiguration(url: url, connectionName: name), source: source, prefetch: prefetch, noAck: noAck, logger: quiet)
        start(consumer)
        return RealConsumer(consumer: consumer, host: host, server: server)
    }
}

private struct RealConsumer: LosableConsumer {
    let consumer: Consumer
    let host: String
    let server: RabbitMQServer

    func next(limit: Int) async throws -> [Delivery] { try await consumer.next(limit: limit) }
    func acknowledge(_ tags: [DeliveryTag]) async { await consumer.acknowledge(tags) }
    func reject(_ tags: [DeliveryTag], requeue: Bool) async { await consumer.reject(tags, requeue: requeue) }
    func release(_ tags: [DeliveryTag]) async { await consumer.release(tags) }
    func stopConsuming() async { await consumer.stopConsuming() }
    var replyAddress: String? { get async { consumer.replyAddress } }

    /// The broker closes all connections to the virtual host, as its operator can.
    func lose() async throws {
        try await server.ctl(["close_all_connections", "--vhost", host, "a test"])
    }
}
