import AMQP
import LocalServers
import Logging
import Messaging
import ServiceLifecycle
import TestKit
import Testing
import Topology

let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

/// A broker of these tests' own: they put wrong objects into its virtual host, and correct them again.
struct Broker: Sendable {
    static let passwords = Dictionary(
        uniqueKeysWithValues: ["carts", "catalog", "console", "deadletters", "ingress", "monitoring", "notifications", "orders", "payments", "users"].map { ($0, "\($0)-pass/word") })
    private static let shared = Task {
        let server = try RabbitMQServer(folder: TestServers.folder("topology"))
        try await server.start()
        return Broker(server: server)
    }

    let server: RabbitMQServer

    static func withTopology() async throws -> (broker: Broker, definitions: Definitions) {
        let broker = try await shared.value
        let definitions = try repositoryDefinitions()
        try await Topology.apply(definitions, passwords: passwords, via: broker.management)
        return (broker, definitions)
    }

    var management: BrokerManagement {
        BrokerManagement { [management = server.management] method, path, body in
            do {
                return (200, Array(try await management.send(method, path, body: body.isEmpty ? nil : String(decoding: body, as: UTF8.self)).utf8))
            } catch let error as LocalServerError where error.message.contains("answered 400") {
                return (400, Array(error.message.utf8))
            }
        }
    }

    /// Recreates a queue with another type, as an earlier release may have made it.
    func make(_ name: String, _ type: String, like definitions: Definitions) async throws {
        try await server.management.send("DELETE", "/api/queues/%2F/\(name)")
        try await server.management.send("PUT", "/api/queues/%2F/\(name)", body: #"{"durable": true, "arguments": {"x-queue-type": "\#(type)"}}"#)
        for binding in definitions.bindings where binding.destination == name {
            try await server.management.send(
                "POST", "/api/bindings/%2F/e/\(binding.source)/q/\(name)", body: #"{"routing_key": "\#(binding.routingKey)"}"#)
        }
    }

    func connection(as user: String) throws -> AMQPConfiguration {
        var configuration = try AMQPConfiguration(url: server.url, connectionName: user)
        configuration.user = user
        configuration.password = Self.passwords[user] ?? ""
        return configuration
    }

    /// The reply queue of a process of `user`, as `wharf` opens it.
    func replies(of user: String) throws -> Consumer {
        Consumer(
            configuration: try connection(as: user), source: .exclusive(prefix: "replies.\(user).", bindings: [("replies", nil)]), prefetch: 1, noAck: true,
            logger: quiet)
    }

    /// Why `user` may not consume from `source`; nil when it may.
    func refusal(as user: String, _ source: Consumer.Source) async throws -> AMQPError? {
        let consumer = Consumer(configuration: try connection(as: user), source: source, prefetch: 1, logger: quiet)
        return try await withThrowingTaskGroup(of: AMQPError?.self) { group in
            group.addTask {
                do throws(any Error) {
                    try await consumer.run()
                    return nil
                } catch let error as AMQPError {
                    return error
                }
            }
            group.addTask {
                try await eventually { consumer.isConnected }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// The outcome of a message that `user` sent.
    func publish(as user: String, to exchange: String, _ routingKey: String) async throws -> PublishOutcome {
        let publisher = Publisher(configuration: try connection(as: user), logger: quiet)
        return try await running(publisher) {
            let publication = Publication(
                exchange: exchange, routingKey: routingKey, properties: Properties(persistent: true), body: Array("x".utf8))
            return try #require(await publisher.publish([publication]).first)
        }
    }
}

/// Runs the service for as long as `body` runs, then cancels it.
func running<Result: Sendable>(_ service: any Service, body: () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await service.run() }
        defer { group.cancelAll() }
        return try await body()
    }
}

extension PublishOutcome {
    var isDenied: Bool {
        if case .failed(let error) = self { error.code == .accessRefused } else { false }
    }
}

/// Tests of one broker, one after another.
@Suite(.serialized, .timeLimit(.minutes(5)))
enum BrokerTests {}
