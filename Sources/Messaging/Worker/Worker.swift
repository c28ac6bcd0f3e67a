import AMQP
import Contracts
import FoundationEssentials
import Instruments
import Logging
import Metrics
import PostgreSQL
import Runtime
import ServiceLifecycle
import Traces

/// How a worker takes messages from its queues.
public struct WorkerLimits: Sendable {
    /// The most messages in one transaction.
    public var batch = 100
    /// Concurrent batches of one queue: while one waits for the broker's confirms, the next is in its transaction.
    public var lanes = 2
    /// Unacknowledged deliveries of one queue: those in the lanes and one batch that gathers.
    public var prefetch: Int { batch * (lanes + 1) }

    public init(batch: Int = 100, lanes: Int = 2) {
        self.batch = batch
        self.lanes = lanes
    }
}

/// One process's share of a service: consumes its queues in batches until it is stopped, then finishes running batches and releases the rest.
public struct Worker: Service {
    static let maintenanceInterval: Duration = .seconds(3600)
    /// The interval while a reader, such as a dump, holds an old day of the inbox, which can take hours.
    static let postponedInterval: Duration = .seconds(60)
    static let failedInterval: Duration = .seconds(5)

    /// A worker's connections to the outside, so that tests and simulations can replace RabbitMQ and PostgreSQL.
    public struct Wiring: Sendable {
        public let consumers: [String: any MessageConsumer]
        public let publisher: any MessagePublisher
        public let replies: any MessagePublisher
        public let database: any Database
        public let clock: any WallClock
        public let randomness: any Randomness

        public init(
            consumers: [String: any MessageConsumer], publisher: any MessagePublisher, replies: any MessagePublisher,
            database: any Database, clock: any WallClock, randomness: any Randomness
        ) {
            self.consumers = consumers
            self.publisher = publisher
            self.replies = replies
            self.database = database
            self.clock = clock
            self.randomness = randomness
        }
    }

    let service: ServiceDefinition
    let wiring: Wiring
    let limits: WorkerLimits
    let ladder: RetryLadder
    /// Names this process in the history of failed attempts.
    let name: String
    let logger: Logger
    private let tracer: SpanTracer?
    /// The metrics by queue.
    private let held: [String: HeldMessages]

    /// - Parameter tracer: nil where nothing is traced.
    public init(
        _ service: ServiceDefinition, wiring: Wiring, limits: WorkerLimits = .init(), ladder: RetryLadder = .standard,
        name: String, logger: Logger, tracer: SpanTracer? = nil
    ) {
        self.service = service
        self.wiring = wiring
        self.limits = limits
        self.ladder = ladder
        self.name = name
        self.logger = logger
        self.tracer = tracer
        held = wiring.consumers.mapValues { _ in HeldMessages() }
    }

    /// Updates its gauges; called before they are read.
    public func updateGauges() {
        let now = wiring.clock.now()
        for (queue, held) in held { Instrument.queueOldestAge.gauge(service.name, queue).record(held.age(at: now)) }
    }

    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (queue, consumer) in wiring.consumers {
                group.addTask { try await consume(queue, consumer) }
            }
            group.addTask { try await cancelWhenGracefulShutdown { try await keepInbox() } }
            for poller in service.pollers {
                group.addTask { try await cancelWhenGracefulShutdown { try await poll(poller) } }
            }
            group.addTask {
                try? await gracefulShutdown()
                for consumer in wiring.consumers.values { await consumer.stopConsuming() }
            }
            try await group.waitForAll()
        }
    }

    private func consume(_ queue: String, _ consumer: any MessageConsumer) async throws {
        let processor = BatchProcessor(
            queue: queue, limit: limits.batch, operations: Dictionary(uniqueKeysWithValues: service.operations.map { ($0.key, $0) }),
            handler: BatchHandler(
                inbox: Inbox(service: service.name), database: wiring.database, clock: wiring.clock,
                fingerprint: service.sensitiveQueues.contains(queue) ? .members([]) : .body),
            database: wiring.database, consumer: consumer, publisher: wiring.publisher, replies: wiring.replies,
            failureRouting: FailureRouting(ladder: ladder, worker: name, randomness: wiring.randomness, redacts: service.sensitiveQueues.contains(queue)),
            clock: wiring.clock,
            metrics: WorkerMetrics(service: service.name, queue: queue, rungs: ladder.rungs), held: held[queue] ?? HeldMessages(), logger: logger, tracer: tracer)
        try await withThrowingTaskGroup(of: Void.self) { lanes in
            var running = 0
            while true {
                if running == limits.lanes {
                    try await lanes.next()
                    running -= 1
                }
                let batch: [Delivery]
                do {
                    batch = try await consumer.next(limit: limits.batch)
                } catch {
                    // Stopped, or cancelled: running batches are finished below.
                    break
                }
                lanes.addTask { await processor.process(batch) }
                running += 1
            }
            try await lanes.waitForAll()
        }
    }

    private func keepInbox() async throws {
        let partitions = InboxPartitions(of: wiring.database, clock: wiring.clock, logger: logger)
        await reportShortageOfLocks()
        while !Task.isCancelled {
            var pause = Self.maintenanceInterval
            do {
                if try await !partitions.maintain() { pause = Self.postponedInterval }
            } catch {
                logger.warning("could not maintain the inbox", metadata: ["error": "\(error)"])
                pause = Self.failedInterval
            }
            guard (try? await wiring.clock.sleep(for: pause)) != nil else { return }
        }
    }

    private func reportShortageOfLocks() async {
        do {
            let batches = wiring.consumers.count * limits.lanes
            guard let shortage = try await LockTable(of: wiring.database).shortage(batches: batches, of: limits.batch) else { return }
            logger.log(level: shortage.isOwn ? .error : .warning, "\(shortage)")
        } catch {
            logger.info("could not read how many locks PostgreSQL has room for", metadata: ["error": "\(error)"])
        }
    }

    /// Each of these messages begins a trace.
    private func publish(_ publications: inout [Publication]) async -> [PublishOutcome] {
        let spans = tracer.map { tracer in publications.indices.map { tracer.begin(sending: &publications[$0]) } } ?? []
        let outcomes = await wiring.publisher.publish(publications)
        for (span, outcome) in zip(spans, outcomes) { tracer?.end(span, outcome) }
        return outcomes
    }

    private func poll(_ poller: Poller) async throws {
        var isRepeated = false
        while !Task.isCancelled {
            if !isRepeated { guard (try? await wiring.clock.sleep(for: poller.interval)) != nil else { return } }
            isRepeated = false
            do {
                let due = try await wiring.database.transaction { try await poller.find($0) }
                guard !due.isEmpty else { continue }
                isRepeated = poller.repeats
                let now = wiring.clock.now()
                var publications = due.map { message in
                    let source = Request(id: message.origin ?? wiring.randomness.uuid(), operation: poller.name)
                    return message.publication(at: 0, of: source, recorded: nil, now: now)
                }
                let outcomes = await publish(&publications)
                let lost = outcomes.count { $0 != .confirmed }
                if lost > 0 {
                    logger.warning("due work was not sent; it will be due again", metadata: ["poller": "\(poller.name)", "messages": "\(lost)"])
                }
            } catch {
                logger.warning("could not look for due work", metadata: ["poller": "\(poller.name)", "error": "\(error)"])
            }
        }
    }
}
