import AMQP
import FoundationEssentials
import Glibc
import JSON
import LocalServers
import Logging
import Messaging
import PostgreSQL
import Runtime
import ServiceLifecycle
import TestKit
import Testing

let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

/// A virtual host with Wharf's topology and a database for one service, made anew for each test.
struct Scene: Sendable {
    /// The broker of these tests.
    private static let sharedBroker = Task {
        let server = try RabbitMQServer(folder: TestServers.folder("faults"))
        try await server.start()
        return server
    }

    let broker: RabbitMQServer
    /// The virtual host's name.
    let host: String
    let configuration: AMQPConfiguration
    let databaseURL: String

    /// - Parameter database: the URL of a server of the test's own; nil makes a database in the shared server.
    init(migrations: [Migration] = Accounts.migrations, schema: String = Accounts.service, database: String? = nil) async throws {
        broker = try await Self.sharedBroker.value
        host = "fault-\(UUID().uuidString)"
        configuration = try AMQPConfiguration(url: try await broker.createVirtualHost(host), connectionName: "tests")
        if let database { databaseURL = database } else { databaseURL = try await TestServers.freshDatabase() }
        try await declareTopology()
        _ = try await Migrator.migrate(migrations, schema: schema, on: databaseURL, logger: quiet)
        let database = try PostgresPool(url: databaseURL, size: 1, schema: schema, logger: quiet)
        try await InboxPartitions(of: database, clock: SystemTime()).prepare()
        await database.close()
    }

    /// The exchanges, queues, bindings and policies of `topology/definitions.json`.
    func declareTopology(file: String = #filePath) async throws {
        var root = URL(filePath: file)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let text = try Data(contentsOf: root.appending(path: "topology/definitions.json"))
        guard case .object(let all) = try JSONDecoder().decode(JSONValue.self, from: text) else { return }
        let parts = all.filter { ["exchanges", "queues", "bindings", "policies"].contains($0.key) }
        try await broker.management.send(
            "POST", "/api/definitions/\(host)", body: String(decoding: try JSONEncoder().encode(parts), as: UTF8.self))
    }

    /// A policy that overrides those of the topology.
    func setPolicy(_ name: String, on pattern: String, _ definition: String) async throws {
        try await broker.management.send(
            "PUT", "/api/policies/\(host)/\(name)",
            body: #"{"pattern": "\#(pattern)", "apply-to": "queues", "priority": 9, "definition": \#(definition)}"#)
    }

    func removePolicy(_ name: String) async throws {
        try await broker.management.send("DELETE", "/api/policies/\(host)/\(name)")
    }

    /// Drops every connection of this virtual host, as a broker does that is taken out of service.
    func dropConnections() async throws {
        try await broker.ctl(["close_all_connections", "--vhost", host, "test"])
    }

    /// Stops the broker's process, as on a machine that swaps or is suspended.
    func freezeBroker() async { await broker.process.send(signal: SIGSTOP) }
    func thawBroker() async { await broker.process.send(signal: SIGCONT) }

    /// Publishes messages, each confirmed.
    func send(_ publications: [Publication]) async throws {
        let publisher = Publisher(configuration: configuration, logger: quiet)
        try await running(publisher) {
            let outcomes = await publisher.publish(publications, deadline: .seconds(30))
            #expect(outcomes.allSatisfy { $0 == .confirmed })
        }
    }

    /// Takes from a queue, and acknowledges, until enough messages have arrived. A message that was returned three times waits half a minute on the ladder.
    func take(from queue: String, within limit: Duration = .seconds(90), until isEnough: @Sendable ([Delivery]) -> Bool) async throws -> [Delivery] {
        let consumer = Consumer(configuration: configuration, source: .queue(queue), prefetch: 500, logger: quiet)
        return try await running(consumer) {
            var taken: [Delivery] = []
            let clock = SystemTime()
            while !isEnough(taken) {
                let next = try await clock.within(limit) { try await consumer.next(limit: 500) }
                let deliveries = try #require(next, "nothing more came from \(queue) after \(taken.count) messages, \(Set(taken.map(\.properties.messageID)).count) of them different")
                taken += deliveries.flatMap(Bundle.open)
                await consumer.acknowledge(deliveries.map(\.tag))
            }
            return taken
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

struct SystemTime: WallClock {
    func now() -> Date { Date() }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

struct SystemChance: Randomness {
    func uuid() -> UUID { UUID() }
    func fraction() -> Double { Double.random(in: 0..<1) }
}
