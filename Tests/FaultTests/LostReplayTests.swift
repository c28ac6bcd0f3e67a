import AMQP
import Contracts
import FoundationEssentials
import Ingress
import LocalServers
import PostgreSQL
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging

extension Faults {
    @Suite struct `Lost replay` {
        @Test func `a replay that cannot be routed to its queue waits on the ladder, its letter visible, and arrives once it can`() async throws {
            let scene = try await Scene(migrations: DeadLettersService.migrations, schema: DeadLettersService.name)
            let database = try PostgresPool(url: scene.databaseURL, size: 1, schema: DeadLettersService.name, logger: quiet)
            let message = try #require(try Accounts.messages(1).first)
            try await Self.store(message, in: scene, database)
            let letter = try #require(try await Self.letters(database).first)
            #expect(letter.state == "open")

            let way = "/api/bindings/\(scene.host)/e/\(Exchange.queues)/q/\(Accounts.queue)/\(Accounts.queue)"
            try await scene.broker.management.send("DELETE", way)
            try await scene.send([try Self.replay(of: letter.id)])
            let time = ShiftedTime()
            try await WorkerProcess.with(DeadLettersService.definition(clock: time).commandsOnly, in: scene, clock: time) { worker in
                try await eventually("The broker returns it") { worker.publisher.returnedCount > 0 }
                #expect(try await Self.letters(database).map(\.state) == ["replayed"])
                // Longer than any caller waits for an answer.
                time.advance(by: 90)
                try await scene.declareTopology()
                let landed = try await scene.take(from: Accounts.queue) { !$0.isEmpty }
                #expect(landed.map(\.properties.messageID) == [message.properties.messageID])
                #expect(landed.map(\.body) == [message.body])
            }
            #expect(try await Self.letters(database).count == 1)
            await database.close()
        }

        /// The message that the ingress makes of a replay, with the time to live that the document gives it.
        private static func replay(of letter: UUID, file: String = #filePath) throws -> Publication {
            let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
            let document = try OpenAPIDocument(path: "/\(root)/topology/openapi.yaml")
            let endpoint = try #require(document.endpoints.first { $0.operationID == "deadletters.letters.replay" })
            let now = SystemTime().now()
            var request = Request(id: UUID(), operation: endpoint.operationID, parameters: ["id": letter.uuidString])
            request.caller = Caller(id: UUID(), role: .admin)
            if endpoint.durability != .durable { request.deadline = now.addingTimeInterval(endpoint.deadline.seconds) }
            #expect(request.deadline == nil, "its answer says that the message will be sent, so it must not expire")
            return request.publication(durability: endpoint.durability, now: now)
        }

        private static func store(_ message: Publication, in scene: Scene, _ database: PostgresPool) async throws {
            let dead = FailureRouting(ladder: .standard, worker: "test", randomness: SystemChance()).publication(
                of: Delivery(
                    tag: DeliveryTag(generation: 0, number: 0), exchange: "", routingKey: Accounts.queue, redelivered: false,
                    properties: message.properties, body: message.body),
                attempt: 0, failures: [], failure: Failure("test", "cannot be handled"), queue: Accounts.queue, now: SystemTime().now())
            try await scene.send([dead])
            let consumer = Consumer(configuration: scene.configuration, source: .queue("dead-letters"), prefetch: 100, logger: quiet)
            let collector = DeadLetterCollector(consumer: consumer, database: database, clock: SystemTime(), logger: quiet)
            try await running(consumer) {
                try await running(collector) {
                    try await eventually("The letter is stored") { try await !letters(database).isEmpty }
                }
            }
        }

        private static func letters(_ database: PostgresPool) async throws -> [(id: UUID, state: String)] {
            try await database.withConnection { connection in
                try await connection.query("SELECT id, state FROM letters").map { (try $0.decode("id"), try $0.decode("state")) }
            }
        }
    }
}

extension ServiceDefinition {
    fileprivate var commandsOnly: ServiceDefinition {
        ServiceDefinition(name: name, operations: operations, queues: ["\(name).commands"])
    }
}
