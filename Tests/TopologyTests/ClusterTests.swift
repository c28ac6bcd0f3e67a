import AMQP
import Foundation
import Glibc
import LocalServers
import Messaging
import ServiceLifecycle
import TestKit
import Testing
import Topology

/// One node of three is lost, killed or frozen: every queue takes and gives messages again soon.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct ClusterTests {
    /// Some five seconds on a machine that is not busy with more. What is not replicated stays away for as long as its node does.
    private static let limit: Duration = .seconds(90)

    @Test func `whichever node is lost, killed or frozen, every queue goes on without it, and check says what is away`() async throws {
        let cluster = try RabbitMQCluster(folder: TestServers.folder("cluster"))
        try await cluster.start()
        let definitions = try repositoryDefinitions()
        let broker = Cluster(nodes: cluster.nodes)
        try await Topology.apply(definitions, via: broker.management)
        try await eventually("all queues have all members", within: .seconds(30)) {
            try await Topology.troubles(of: definitions, via: broker.management) == []
        }
        let queues = definitions.bindings.filter { $0.source == Exchange.queues }.map(\.destination)
        try await Traffic(queues: queues, url: cluster.url).whileRunning { traffic in
            try await traffic.awaitAll(within: Self.limit)
            // Made first, so where all leaders are.
            let (first, second) = (cluster.nodes[0], cluster.nodes[1])
            await first.kill()
            print("node killed: every queue works after \(try await traffic.awaitAll(within: Self.limit))")
            try await eventually("check says so", within: Self.limit) {
                let troubles = try await Topology.troubles(of: definitions, via: broker.management)
                return queues.allSatisfy { queue in troubles.contains("unwell: queue \(queue): its member on wharf1@localhost is away") }
            }
            try await first.start()
            try await eventually("it is back", within: .seconds(60)) {
                try await Topology.troubles(of: definitions, via: broker.management) == []
            }
            await second.process.send(signal: SIGSTOP)
            defer { Task { await second.process.send(signal: SIGCONT) } }
            print("node frozen: every queue works after \(try await traffic.awaitAll(within: Self.limit))")
        }
        await cluster.kill()
    }
}

/// The management API of whichever node answers.
private struct Cluster {
    let nodes: [RabbitMQServer]

    var management: BrokerManagement {
        BrokerManagement { [nodes] method, path, body in
            var failure: any Error = CancellationError()
            for node in nodes where await node.process.isRunning {
                do {
                    return (200, Array(try await node.management.send(method, path, body: body.isEmpty ? nil : String(decoding: body, as: UTF8.self)).utf8))
                } catch {
                    failure = error
                }
            }
            throw failure
        }
    }
}

private struct Stuck: Error, CustomStringConvertible {
    let description: String
}

/// A publisher, and a consumer for each queue, as roles have them.
private struct Traffic: Sendable {
    /// Between one message for a queue and the next.
    private static let pause: Duration = .milliseconds(500)

    let queues: [String]
    let publishers: [String: Publisher]
    let consumers: [String: Consumer]

    init(queues: [String], url: String) throws {
        self.queues = queues
        let configuration = try AMQPConfiguration(url: url, connectionName: "tests")
        publishers = Dictionary(uniqueKeysWithValues: queues.map { ($0, Publisher(configuration: configuration, logger: quiet)) })
        consumers = Dictionary(
            uniqueKeysWithValues: queues.map { queue in
                (queue, Consumer(configuration: configuration, source: .queue(queue), prefetch: 100, logger: quiet))
            })
    }

    func whileRunning(_ body: (Traffic) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in publishers.values.map({ $0 as any Service }) + consumers.values.map({ $0 as any Service }) {
                group.addTask { try await service.run() }
            }
            try await body(self)
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    /// How long it takes until a message that is sent from now on has come through each queue.
    @discardableResult
    func awaitAll(within limit: Duration) async throws -> Duration {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for queue in queues { group.addTask { try await awaitOne(queue, within: limit) } }
            try await group.waitForAll()
        }
        return .now - start
    }

    /// RabbitMQ may fail to hand a consumer what came just before its queue had a new leader, and notices with the next message: that there is one more is what
    /// traffic is.
    private func awaitOne(_ queue: String, within limit: Duration) async throws {
        guard let publisher = publishers[queue], let consumer = consumers[queue] else { return }
        let mark = Array(UUID().uuidString.utf8)
        let publication = Publication(exchange: Exchange.queues, routingKey: queue, body: mark)
        // What was amiss; nil when the message came.
        let trouble = try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                while true {
                    let deliveries = try await consumer.next(limit: 100)
                    await consumer.acknowledge(deliveries.map(\.tag))
                    if deliveries.contains(where: { $0.body == mark }) { return nil }
                }
            }
            group.addTask {
                let start = ContinuousClock.now
                var outcomes: [PublishOutcome] = []
                while ContinuousClock.now - start < limit {
                    outcomes = await publisher.publish([publication], deadline: .seconds(2))
                    try await Task.sleep(for: Self.pause)
                }
                return "\(outcomes)"
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        if let trouble {
            throw Stuck(description: "\(queue) is stuck: connected \(publisher.isConnected) and \(consumer.isConnected), \(trouble)")
        }
    }
}
