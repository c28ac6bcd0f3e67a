import AMQP
import FoundationEssentials
import Logging
import PostgreSQL
import ServiceLifecycle
import Synchronization
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import Runtime
@testable import ServiceKit

@Suite struct CollectorTests {
    @Test func `a message that a worker set aside is stored with its cause and history, and then acknowledged`() async throws {
        let letters = try await DeadLettersHarness()
        let consumer = try await letters.collect([.setAside()])
        #expect(consumer.acknowledged == 1)
        let letter = try #require(try await letters.list().items.first)
        #expect(letter.cause == "malformed-message")
        #expect(letter.detail == "what went wrong")
        #expect(letter.queue == "payments.commands")
        #expect(letter.operation == "payments.charge")
        #expect(letter.attempts == 8)
        #expect(letter.state == .open)
    }

    @Test func `a message that the broker dead-lettered is stored with the broker's reason and the queue it died in`() async throws {
        let letters = try await DeadLettersHarness()
        let death: FieldValue = .table(["reason": "delivery_limit", "queue": "orders.commands", "count": 1, "time": .timestamp(1_780_000_000)])
        let properties = Properties(
            messageID: UUID().uuidString, type: "orders.checkouts.place", headers: ["x-death": .array([death]), "cause": "older", "origin": "older"])
        _ = try await letters.collect([Delivery(properties, routingKey: "orders.checkouts.place")])
        let letter = try #require(try await letters.list().items.first)
        #expect(letter.cause == "broker-delivery-limit")
        #expect(letter.queue == "orders.commands")
        let newer = Properties(messageID: "x", headers: ["x-last-death-reason": "rejected", "x-last-death-queue": "carts.commands", "x-death": .array([death])])
        _ = try await letters.collect([Delivery(newer)])
        #expect(try await letters.list(["queue": "carts.commands"]).items.map(\.cause) == ["broker-rejected"])
    }

    @Test func `a redelivered message is one letter; one that fails again is the same letter, open, and counted`() async throws {
        let letters = try await DeadLettersHarness()
        let first = Delivery.setAside(id: "3f5b6c1e-0000-4000-8000-000000000001")
        _ = try await letters.collect([first, first.again])
        _ = try await letters.collect([first.again])
        #expect(try await letters.list().items.map(\.seen) == [1])

        let id = try #require(try await letters.list().items.first?.id)
        _ = try await letters.send("deadletters.letters.replay", id)
        _ = try await letters.collect([first.again])
        #expect(try await letters.list().items.isEmpty, "an old delivery opens nothing")

        letters.service.clock.advance(by: 60)
        let second = Delivery.setAside(id: "3f5b6c1e-0000-4000-8000-000000000001", cause: "database-error", at: letters.service.clock.now())
        _ = try await letters.collect([second, first.again])
        let letter = try #require(try await letters.list().items.first)
        #expect(letter.id == id)
        #expect(letter.seen == 2)
        #expect(letter.cause == "database-error")
        #expect(letter.settledBy == nil)
        #expect(letter.lastSeenAt > letter.firstSeenAt)
    }

    @Test func `a bundle that the broker dead-lettered becomes one letter for each of its messages`() async throws {
        let letters = try await DeadLettersHarness()
        let requests = (0..<3).map { _ in Request(id: UUID(), operation: "orders.checkouts.place", body: Array("{}".utf8)) }
        let bundle = try #require(Bundle.pack(requests.map { $0.publication(durability: .durable, now: .now) }).first?.publication)
        var properties = bundle.properties
        properties.headers["x-last-death-reason"] = "delivery_limit"
        properties.headers["x-last-death-queue"] = "orders.commands"
        let consumer = try await letters.collect([
            Delivery(
                tag: DeliveryTag(generation: 1, number: 9), exchange: "", routingKey: bundle.routingKey, redelivered: false, properties: properties,
                body: bundle.body)
        ])
        #expect(consumer.acknowledged == 1)
        let found = try await letters.list(["queue": "orders.commands"]).items
        #expect(Set(found.compactMap(\.messageId)) == Set(requests.map(\.id.uuidString)))
        #expect(found.allSatisfy { $0.cause == "broker-delivery-limit" })
    }

    @Test func `two deaths of one message in one batch are both counted`() async throws {
        let letters = try await DeadLettersHarness()
        let deaths = (0..<3).map { Delivery.setAside(id: "same", at: Date(timeIntervalSince1970: 1_780_000_000 + Double($0))) }
        let consumer = try await letters.collect(deaths + [.setAside()])
        #expect(consumer.acknowledged == 4)
        #expect(try await letters.list().items.map(\.seen).sorted() == [1, 3])
    }

    @Test func `any bytes whatsoever are stored`() async throws {
        let letters = try await DeadLettersHarness()
        let nul = "a\u{0}b"
        let nested = (0..<FieldValue.maximumDepth).reduce(FieldValue.string(nul)) { value, _ in .array([value]) }
        let odd = Properties(
            messageID: nul, correlationID: nul, type: nul, contentType: nul,
            headers: [
                nul: .string(nul), "double": .double(.infinity), "nan": .double(.nan), "bytes": .bytes([0, 255]), "deep": nested,
                "table": .table([nul: .null, "n": .integer(.min)]), "failures": .array([.table(["at": .integer(.max), "cause": .string(nul)]), "x"]),
                "cause": .string(nul), "origin": .string(nul), "attempt": .integer(.max), "x-death": .array([.table(["reason": .integer(3)])]),
            ])
        let deliveries = [
            Delivery(odd, [0, 0xFF, 0xFE], routingKey: nul), Delivery(Properties(), []), Delivery(Properties(messageID: ""), Array("\u{0}".utf8)),
            Delivery(Properties(messageID: String(repeating: "é", count: 127)), routingKey: ""), .setAside(id: nil, body: [0xC3, 0x28]),
        ]
        let consumer = try await letters.collect(deliveries)
        #expect(consumer.acknowledged == deliveries.count)
        let items = try await letters.list().items
        #expect(items.count == deliveries.count)
        #expect(!items.contains { $0.cause == "unstorable" })
        for item in items {
            #expect(try await letters.service.ask(Request("deadletters.letters.get", parameters: ["id": item.id.uuidString])).status == 200)
        }
    }

    @Test func `a letter that the database rejects is stored reduced, and does not block others`() async throws {
        let letters = try await DeadLettersHarness()
        try await letters.service.database.withConnection { connection in
            _ = try await connection.execute("ALTER TABLE letters ADD CONSTRAINT picky CHECK (operation IS DISTINCT FROM 'poison')")
        }
        let consumer = try await letters.collect([.setAside(), .setAside(operation: "poison"), .setAside()])
        #expect(consumer.acknowledged == 3)
        #expect(Set(try await letters.list().items.map(\.cause)) == ["malformed-message", "unstorable"])
        #expect(try await letters.list().items.count == 3)
    }

    @Test func `a reduced letter keeps its queue and headers, and is replayed as it was`() async throws {
        let letters = try await DeadLettersHarness()
        try await letters.service.database.withConnection { connection in
            _ = try await connection.execute("ALTER TABLE letters ADD CONSTRAINT picky CHECK (operation IS NULL)")
        }
        let messageID = UUID().uuidString
        _ = try await letters.collect([.setAside(id: messageID, headers: ["p.id": "abc", "caller": "c"])])
        let letter = try #require(try await letters.list().items.first)
        #expect(letter.cause == "unstorable" && letter.queue == "payments.commands" && letter.messageId == messageID)
        let shown = try await letters.service.ask(Request("deadletters.letters.get", parameters: ["id": letter.id.uuidString]))
        #expect(String(decoding: shown.body, as: UTF8.self).contains(#""p.id":"abc""#))
        let request = try Request("deadletters.letters.replay", parameters: ["id": letter.id.uuidString], caller: letters.admin)
        let output = try #require(await letters.service.send([request])[0].outputs.first { $0.isReplay })
        let publication = try #require(output.publication(at: 0, of: request, recorded: nil, now: letters.service.clock.now()))
        #expect(publication.routingKey == "payments.commands" && publication.properties.type == "payments.charge")
        #expect(publication.properties.headers == ["p.id": "abc", "caller": "c", "replay": .boolean(true)])
    }

    @Test(arguments: ["25006", "42P01", "57014", "53100", "40001"])
    func `a letter waits, whole, for a database that rejects it temporarily`(sqlState: String) async throws {
        let letters = try await DeadLettersHarness()
        let database = UnreliableDatabase(letters.service.database, failures: 3, error: PostgresError(.server(sqlState: sqlState), "not now"))
        let consumer = ScriptedConsumer([.setAside()])
        await DeadLetterCollector(consumer: consumer, database: database, clock: letters.service.clock, logger: Logger(label: "test")).run()
        #expect(consumer.acknowledged == 1)
        #expect(try await letters.list().items.map(\.cause) == ["malformed-message"])
    }

    @Test func `a letter is acknowledged only once it is stored`() async throws {
        let letters = try await DeadLettersHarness()
        let consumer = ScriptedConsumer([.setAside(), .setAside()])
        let early = Mutex(0)
        let database = UnreliableDatabase(letters.service.database, failures: 3) { early.withLock { $0 += consumer.acknowledged } }
        await DeadLetterCollector(consumer: consumer, database: database, clock: letters.service.clock, logger: Logger(label: "test")).run()
        #expect(early.withLock { $0 } == 0)
        #expect(consumer.acknowledged == 2)
    }

    @Test func `while PostgreSQL is down nothing is acknowledged, and afterwards everything is stored`() async throws {
        let letters = try await DeadLettersHarness()
        let database = UnreliableDatabase(letters.service.database, failures: 5)
        let consumer = ScriptedConsumer((0..<250).map { _ in .setAside() })
        await DeadLetterCollector(
            consumer: consumer, database: database, clock: letters.service.clock, logger: Logger(label: "test")
        ).run()
        #expect(consumer.acknowledged == 250)
        #expect(consumer.released == 0)
        #expect(try await letters.service.count("SELECT count(*) FROM letters WHERE seen = 1") == 250)
    }

    @Test func `on shutdown while PostgreSQL is down, the collector returns the messages it holds`() async throws {
        let letters = try await DeadLettersHarness()
        let (attempts, attempted) = AsyncStream.makeStream(of: Void.self)
        let database = UnreliableDatabase(letters.service.database, failures: .max) { attempted.yield() }
        let consumer = ScriptedConsumer([.setAside(), .setAside()])
        let group = ServiceGroup(
            services: [DeadLetterCollector(consumer: consumer, database: database, clock: SlowClock(), logger: Logger(label: "test"))],
            logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        for await _ in attempts.prefix(1) { await group.triggerGracefulShutdown() }
        try? await running.value
        #expect(consumer.released == 2)
        #expect(consumer.acknowledged == 0)
    }

    @Test func `while a batch is stored the next one is taken, and on shutdown both are returned`() async throws {
        let letters = try await DeadLettersHarness()
        let database = UnreliableDatabase(letters.service.database, failures: .max)
        let consumer = ScriptedConsumer((0..<DeadLetterCollector.maximumBatch + 50).map { _ in .setAside() })
        let group = ServiceGroup(
            services: [DeadLetterCollector(consumer: consumer, database: database, clock: SlowClock(), logger: Logger(label: "test"))],
            logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        try await eventually("Both batches are taken") { consumer.taken == DeadLetterCollector.maximumBatch + 50 }
        await group.triggerGracefulShutdown()
        try? await running.value
        #expect(consumer.released == consumer.taken)
        #expect(consumer.acknowledged == 0)
    }

    /// Fails this many times as if the server were down.
    private final class UnreliableDatabase: Database {
        private let database: PostgresPool
        private let failures: Mutex<Int>
        private let error: PostgresError
        private let onFailure: @Sendable () -> Void

        init(
            _ database: PostgresPool, failures: Int, error: PostgresError = PostgresError(.connection, "the server is away"), onFailure: @escaping @Sendable () -> Void = {}
        ) {
            self.error = error
            self.database = database
            self.failures = Mutex(failures)
            self.onFailure = onFailure
        }

        nonisolated(nonsending) func withConnection<Result: Sendable>(
            _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
        ) async throws -> Result {
            try await database.withConnection(body)
        }

        nonisolated(nonsending) func transaction<Result: Sendable>(
            _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
        ) async throws -> Result {
            let fails = failures.withLock { failures in
                failures -= 1
                return failures >= 0
            }
            if fails {
                onFailure()
                throw error
            }
            return try await database.transaction(body)
        }
    }

    /// Sleeps until it is cancelled.
    private struct SlowClock: WallClock {
        func now() -> Date { Date(timeIntervalSince1970: 1_780_000_000) }
        func sleep(for duration: Duration) async throws { try await Task.sleep(for: .seconds(3600)) }
    }
}
