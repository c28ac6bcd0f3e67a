import AMQP
import FoundationEssentials
import LocalServers
import Messaging
import Runtime
import TestKit
import Testing
import Topology

extension Faults {
    @Suite struct `Young queues` {
        @Test func `queues of a broker that was killed right after their declaration accept messages when it is back`() async throws {
            let server = try RabbitMQServer(folder: TestServers.folder("young"))
            try await server.start()
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let definitions = try Definitions(contentsOf: root.appending(path: "topology/definitions.json").path)
            let management = BrokerManagement { method, path, body in
                let text = body.isEmpty ? nil : String(decoding: body, as: UTF8.self)
                return (200, Array(try await server.management.send(method, path, body: text).utf8))
            }
            try await Topology.apply(definitions, via: management)
            await server.kill()
            try await server.start()
            try await Topology.apply(definitions, via: management)
            let configuration = try AMQPConfiguration(url: server.url, connectionName: "tests")
            for queue in definitions.queues.map(\.name) where !queue.hasPrefix("retry.") {
                let publisher = Publisher(configuration: configuration, logger: quiet)
                let consumer = Consumer(configuration: configuration, source: .queue(queue), prefetch: 1, logger: quiet)
                try await running(publisher) {
                    try await running(consumer) {
                        let message = Publication(exchange: "", routingKey: queue, properties: Properties(persistent: true), body: [1])
                        #expect(await publisher.publish([message], deadline: .seconds(15)) == [.confirmed], "\(queue)")
                        let delivered = try await SystemTime().within(.seconds(15)) { try await consumer.next(limit: 1) }
                        #expect(delivered?.count == 1, "\(queue)")
                    }
                }
            }
            await server.stop()
        }
    }
}
