import AMQP
import FoundationEssentials
import LocalServers
import Logging
import ServiceLifecycle
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct BrokerTests {
    /// A queue whose rejected messages go to `dead-letters`, as the topology has it.
    private func declareQueues(at host: String) async throws {
        let management = try await TestServers.rabbitMQ().management
        let type = #""durable":true,"arguments":{"x-queue-type":"quorum""#
        try await management.send("PUT", "/api/exchanges/\(host)/dead-letters", body: #"{"type":"topic","durable":true}"#)
        try await management.send("PUT", "/api/queues/\(host)/dead-letters", body: "{\(type)}}")
        try await management.send("POST", "/api/bindings/\(host)/e/dead-letters/q/dead-letters", body: ##"{"routing_key":"#"}"##)
        try await management.send(
            "PUT", "/api/queues/\(host)/orders.commands", body: #"{\#(type),"x-dead-letter-exchange":"dead-letters"}}"#)
    }

    @Test func `a message that RabbitMQ dead-letters is stored with the reason`() async throws {
        let letters = try await DeadLettersHarness()
        let url = try await TestServers.freshVirtualHost()
        try await declareQueues(at: String(url.split(separator: "/").last ?? ""))
        let logger = Logger(label: "test")
        let configuration = try AMQPConfiguration(url: url, connectionName: "test")
        let publisher = Publisher(configuration: configuration, logger: logger)
        let orders = Consumer(configuration: configuration, source: .queue("orders.commands"), prefetch: 10, logger: logger)
        let dead = Consumer(configuration: configuration, source: .queue(DeadLetterCollector.queue), prefetch: 100, logger: logger)
        let collector = DeadLetterCollector(consumer: dead, database: letters.service.database, clock: letters.service.clock, logger: logger)
        // Shut down in the opposite order: the collector while its consumer is still connected.
        let group = ServiceGroup(services: [publisher, orders, dead, collector], logger: logger)
        async let running: Void = group.run()

        let properties = Properties(messageID: "not-a-uuid", type: "orders.checkouts.place", headers: ["p.id": "7"])
        let publication = Publication(exchange: "", routingKey: "orders.commands", properties: properties, body: [0xFF, 0x01])
        #expect(await publisher.publish([publication]) == [.confirmed])
        let taken = try await orders.next(limit: 1)
        await orders.reject(taken.map(\.tag), requeue: false)
        try await eventually("The letter is stored") { try await !letters.list().items.isEmpty }

        let letter = try #require(try await letters.list().items.first)
        #expect(letter.cause == "broker-rejected")
        #expect(letter.queue == "orders.commands")
        #expect(letter.messageId == "not-a-uuid")
        let reply = try await letters.send("deadletters.letters.replay", letter.id)
        let replayed = try #require(reply.outputs.first { $0.isReplay })
        guard case .replay(let original, _) = replayed.destination else { return }
        #expect(original.headers == ["p.id": "7"])
        await group.triggerGracefulShutdown()
        try await running
    }
}
