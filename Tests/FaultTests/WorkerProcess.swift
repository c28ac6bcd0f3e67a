import AMQP
import FoundationEssentials
import LocalServers
import Messaging
import PostgreSQL
import Runtime
import ServiceLifecycle
import Synchronization

@testable import Chaos

/// A worker with connections of its own, like a process, that can be killed: from then on, nothing from it reaches the broker or the database. A proxy cuts the consumer's
/// connection, so that acknowledgements that the consumer has gathered but not yet written are lost; if it were stopped, it would write them first.
final class WorkerProcess: Sendable {
    let consumer: Consumer
    let publisher: Publisher
    private let name = "worker-\(UUID().uuidString)"
    private let scene: Scene
    private let publishing, answering, consuming, passing: Task<Void, any Error>
    private let work: Task<Void, any Error>
    private let database: PostgresPool

    init(
        _ definition: ServiceDefinition, in scene: Scene, limits: WorkerLimits = .init(),
        configuration: AMQPConfiguration? = nil, clock: any WallClock = SystemTime()
    ) async throws {
        let configuration = configuration ?? scene.configuration
        let queue = definition.queues[0]
        let proxy = try await Proxy(on: FreePorts.next(), to: configuration.nodes[0].port)
        var proxied = configuration
        proxied.nodes[0].port = proxy.port
        let publisher = Publisher(configuration: configuration, logger: quiet)
        let replies = Publisher(configuration: configuration, confirms: false, logger: quiet)
        let consumer = Consumer(configuration: proxied, source: .queue(queue), prefetch: limits.prefetch, logger: quiet)
        let database = try PostgresPool(url: scene.databaseURL, size: 3, applicationName: name, schema: definition.name, logger: quiet)
        let wiring = Worker.Wiring(
            consumers: [queue: consumer], publisher: publisher, replies: replies, database: database, clock: clock,
            randomness: SystemChance())
        let worker = Worker(definition, wiring: wiring, limits: limits, name: name, logger: quiet)
        passing = Task { try await proxy.run() }
        publishing = Task { try await publisher.run() }
        answering = Task { try await replies.run() }
        consuming = Task { try await consumer.run() }
        work = Task { try await worker.run() }
        (self.consumer, self.publisher, self.database, self.scene) = (consumer, publisher, database, scene)
    }

    /// The connections first, as a dead process sends nothing, and then the remaining tasks.
    func kill() async throws {
        await losePublisher()
        await loseConsumer()
        answering.cancel()
        _ = await answering.result
        try await loseDatabase()
        work.cancel()
    }

    /// For good, as are the others.
    func losePublisher() async {
        publishing.cancel()
        _ = await publishing.result
    }

    func loseConsumer() async {
        passing.cancel()
        _ = await passing.result
        consuming.cancel()
        _ = await consuming.result
    }

    /// Ends its sessions; those that it opens afterwards work.
    func loseDatabase() async throws {
        let administrator = try PostgresPool(url: scene.databaseURL, size: 1, logger: quiet)
        try await administrator.withConnection { connection in
            _ = try await connection.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \(name)")
        }
        await administrator.close()
    }

    /// After a kill: returns when the last of its tasks has ended.
    func buried() async {
        _ = await work.result
        await database.close()
    }

    /// Runs `body` beside a worker, which is killed at its end.
    static func with<Result: Sendable>(
        _ definition: ServiceDefinition, in scene: Scene, limits: WorkerLimits = .init(),
        configuration: AMQPConfiguration? = nil, clock: any WallClock = SystemTime(), _ body: (WorkerProcess) async throws -> Result
    ) async throws -> Result {
        let worker = try await WorkerProcess(definition, in: scene, limits: limits, configuration: configuration, clock: clock)
        do {
            let result = try await body(worker)
            try await worker.kill()
            await worker.buried()
            return result
        } catch {
            try await worker.kill()
            await worker.buried()
            throw error
        }
    }
}

/// The system's time, which a test can set forward, and whose sleeps it can count.
final class ShiftedTime: WallClock {
    private let state = Mutex((offset: 0.0, sleeps: 0))

    func now() -> Date { Date().addingTimeInterval(state.withLock { $0.offset }) }
    func advance(by seconds: Double) { state.withLock { $0.offset += seconds } }
    /// How many have ended.
    var sleeps: Int { state.withLock { $0.sleeps } }

    func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
        state.withLock { $0.sleeps += 1 }
    }
}

/// Holds arriving tasks until it is opened; meanwhile a fault can be injected.
actor Hold {
    private var isOpen = false
    private var held: [CheckedContinuation<Void, Never>] = []
    private var awaited: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    private var arrivals = 0

    func arrive() async {
        arrivals += 1
        let (reached, rest) = (awaited.filter { $0.count <= arrivals }, awaited.filter { $0.count > arrivals })
        awaited = rest
        for waiter in reached { waiter.continuation.resume() }
        guard !isOpen else { return }
        await withCheckedContinuation { held.append($0) }
    }

    /// Returns when this many have arrived since the beginning.
    func arrived(_ count: Int = 1) async {
        guard arrivals < count else { return }
        await withCheckedContinuation { awaited.append((count, $0)) }
    }

    func open() {
        isOpen = true
        for continuation in held { continuation.resume() }
        held = []
    }
}
