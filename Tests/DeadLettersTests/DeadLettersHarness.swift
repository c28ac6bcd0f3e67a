import AMQP
import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Synchronization

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

/// The dead-letter service, with letters added the way the collector does it.
struct DeadLettersHarness: Sendable {
    static let operatorID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7))

    let service: ServiceHarness
    var admin: Caller { Caller(id: Self.operatorID, role: .admin, email: "admin@example.com") }

    /// - Parameter version: The last migration of an earlier version's database, which `migrate` then brings up to date.
    init(version: String? = nil) async throws {
        let clock = SetClock()
        let migrations = DeadLettersService.migrations
        let applied = version.flatMap { id in migrations.firstIndex { $0.id == id } }.map { migrations[...$0] } ?? migrations[...]
        service = try await ServiceHarness(DeadLettersService.definition(clock: clock), Array(applied), clock: clock)
    }

    func migrate() async throws {
        try await Migrator.migrate(DeadLettersService.migrations, schema: DeadLettersService.name, on: service.url, logger: Logger(label: "test"))
    }

    /// Runs a collector until it has taken everything.
    func collect(_ deliveries: [Delivery]) async throws -> ScriptedConsumer {
        let consumer = ScriptedConsumer(deliveries)
        await DeadLetterCollector(
            consumer: consumer, database: service.database, clock: service.clock, logger: Logger(label: "test")
        ).run()
        return consumer
    }

    func list(_ parameters: [String: String] = [:]) async throws -> LettersView {
        try await service.ask(Request("deadletters.letters.list", parameters: parameters, caller: admin)).decoded()
    }

    func send(_ operation: String, _ id: UUID) async throws -> BatchHandler.Result {
        await service.send([try Request(operation, parameters: ["id": id.uuidString], caller: admin)])[0]
    }
}

/// A queue with a given number of messages; after the last one has been taken it behaves like a stopped consumer.
final class ScriptedConsumer: MessageConsumer {
    private struct State {
        var waiting: [Delivery]
        var taken = 0
        var acknowledged: Set<DeliveryTag> = []
        var released: Set<DeliveryTag> = []
    }

    private let state: Mutex<State>

    init(_ deliveries: [Delivery]) {
        state = Mutex(State(waiting: deliveries))
    }

    var taken: Int { state.withLock { $0.taken } }
    var acknowledged: Int { state.withLock { $0.acknowledged.count } }
    var released: Int { state.withLock { $0.released.count } }

    func next(limit: Int) async throws -> [Delivery] {
        let batch = state.withLock { state in
            let batch = Array(state.waiting.prefix(limit))
            state.waiting.removeFirst(batch.count)
            state.taken += batch.count
            return batch
        }
        guard !batch.isEmpty else { throw AMQPError(.stopped, "there is no more", isTransient: false) }
        return batch
    }

    func acknowledge(_ tags: [DeliveryTag]) async { state.withLock { $0.acknowledged.formUnion(tags) } }
    func reject(_ tags: [DeliveryTag], requeue: Bool) async {}
    func release(_ tags: [DeliveryTag]) async { state.withLock { $0.released.formUnion(tags) } }
    func stopConsuming() async { state.withLock { $0.waiting = [] } }
    var replyAddress: String? { get async { nil } }
}

extension Delivery {
    private static let numbers = Atomic<UInt64>(0)

    /// A message as it comes from the queue `dead-letters`.
    init(_ properties: Properties, _ body: [UInt8] = Array("{}".utf8), routingKey: String = "payments.commands") {
        let number = Self.numbers.wrappingAdd(1, ordering: .relaxed).newValue
        self.init(
            tag: DeliveryTag(generation: 1, number: number), exchange: "dead-letters", routingKey: routingKey, redelivered: false,
            properties: properties, body: body)
    }

    /// A message that a worker has set aside, exactly as workers do.
    static func setAside(
        id: String? = UUID().uuidString, operation: String = "payments.charge", body: [UInt8] = Array(#"{"orderID":"1"}"#.utf8),
        cause: String = "malformed-message", detail: String = "what went wrong", queue: String = "payments.commands", at: Date = Date(timeIntervalSince1970: 1_780_000_000),
        headers: [String: FieldValue] = ["p.id": "abc"]
    ) -> Delivery {
        var properties = Properties(messageID: id, correlationID: "c", replyTo: "r", type: operation, headers: headers)
        properties.headers["deadline"] = .integer(1)
        let original = Delivery(properties, body, routingKey: queue)
        let setAside = FailureRouting(ladder: .standard, worker: "worker-1", randomness: TestRandomness())
        let publication = setAside.publication(
            of: original, attempt: 7, failures: [], failure: Failure(cause, detail), queue: queue, now: at)
        return Delivery(publication.properties, publication.body, routingKey: publication.routingKey)
    }

    /// The same message, delivered once more by the broker.
    var again: Delivery {
        var properties = properties
        properties.headers["x-delivery-count"] = .integer(1)
        return Delivery(properties, body, routingKey: routingKey)
    }
}
