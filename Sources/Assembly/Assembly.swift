import AMQP
import Contracts
import IOThreads
import Logging
import Messaging
import Operations
import Payments
import PostgreSQL
import Redis
import Runtime
import Secrets
import ServiceLifecycle
import Traces
import WebClient

/// Wires the parts together: the one place where a role gets its connections. Tests build the same roles from here.
package struct Assembly: Sendable {
    /// The broker user of an ingress, and its override in the settings.
    package static let ingress = "ingress"
    package static let autoscaler = "autoscale"
    /// Connections to PostgreSQL of one worker process: one for each concurrent batch, of two queues, and one for the pollers.
    static let poolSize = 5
    /// Shorter than the pool's own timeout for a response, so that the server reports what it stopped.
    package static let longestStatement: Duration = .seconds(50)
    /// How often a starting worker checks whether it can ask other services.
    private static let connectionInterval: Duration = .milliseconds(20)
    /// Concurrent calls to the payment gateway of one worker process, shared by all lanes (`Charging.maximumConcurrent`). At 200 ms each some 1,200 a second.
    static let gatewayCalls = 256
    /// How a service takes messages from its queues, where it differs from the others.
    static func limits(of service: ServiceName) -> WorkerLimits {
        switch service {
        // Batches of payments wait for the gateway most of the time.
        case .payments: WorkerLimits(lanes: 4)
        // A password costs a core some 400 ms, and a batch is answered together.
        case .users: WorkerLimits(batch: 4)
        default: WorkerLimits()
        }
    }

    private let live: LiveSettings
    let credentialsKeys: CredentialsKeys
    package let logger: Logger
    /// Names the process in logs, connections and the history of failed attempts.
    package let name: String
    package var clock: any WallClock
    package var randomness: any Randomness = SystemRandomness()
    /// Nil where nothing is traced.
    var tracer: SpanTracer?

    package init(
        settings: Settings, logger: Logger, name: String, clock: (any WallClock)? = nil,
        randomness: any Randomness = SystemRandomness()
    ) {
        let clock = clock ?? settings.clock
        let live = LiveSettings(settings, clock: clock, logger: logger)
        self.live = live
        credentialsKeys = CredentialsKeys { try? AMQPConfiguration(url: live.current.amqpURL(for: ServiceName.users.rawValue), connectionName: name).password }
        self.logger = logger
        self.name = name
        self.clock = clock
        self.randomness = randomness
    }

    /// The settings as they are now: passwords and keys in files may change while the role runs.
    package var settings: Settings { live.current }

    package func logger(_ label: String) -> Logger {
        var logger = logger
        logger[metadataKey: "part"] = "\(label)"
        return logger
    }

    // MARK: The broker

    package func broker(_ user: String, _ purpose: String) throws -> AMQPConfiguration {
        try AMQPConfiguration(url: settings.amqpURL(for: user), connectionName: "\(name) \(purpose)")
    }

    /// The same, read again for each later connection, because the password may have changed.
    func renewal(_ user: String, _ purpose: String) -> @Sendable () -> AMQPConfiguration? { { try? broker(user, purpose) } }

    /// - Parameter purpose: Names the connection, where it is not the usual one of its kind.
    package func publisher(_ user: String, confirms: Bool, for purpose: String? = nil, on thread: IOThread? = nil) throws -> Publisher {
        let purpose = purpose ?? (confirms ? "publisher" : "replies")
        return Publisher(
            configuration: try broker(user, purpose), renewing: renewal(user, purpose), confirms: confirms, on: thread, logger: logger(purpose))
    }

    /// A client for requests, and the services that it needs to run.
    package func requestClient(
        _ user: String, commands: any MessagePublisher, queries: any MessagePublisher, on thread: IOThread? = nil
    ) throws -> (client: RequestClient, services: [any Service]) {
        let replies = Consumer(
            configuration: try broker(user, "reply queue"), renewing: renewal(user, "reply queue"),
            source: .exclusive(prefix: "\(Exchange.replies).\(user).", bindings: [(Exchange.replies, nil)]),
            prefetch: RequestClient.maximumInFlight, noAck: true, on: thread,
            logger: logger("reply queue"))
        let client = RequestClient(
            commands: commands, queries: queries, replies: replies, clock: clock, randomness: randomness,
            logger: logger("requests"), tracer: tracer)
        return (client, [replies, client])
    }

    // MARK: Services

    package func database(_ service: ServiceName, on thread: IOThread? = nil) throws -> PostgresPool {
        try PostgresPool(
            url: settings.postgresURL(for: service.rawValue), renewing: { settings.postgresURL(for: service.rawValue) }, allowsPlainText: settings.allowsPlainText(to:),
            size: Self.poolSize, applicationName: name, schema: service.rawValue, keepsToIndexes: true, statementTimeout: Self.longestStatement, on: thread, logger: logger("database"))
    }

    /// Everything that a worker process of `service` runs, in the order in which it starts; it stops in the opposite order.
    package func worker(_ service: ServiceName) throws -> [any Service] {
        let user = service.rawValue
        // A single thread: a worker waits either for the broker or for the database.
        let thread = try IOThread(named: "wharf-\(user)")
        let database = try self.database(service, on: thread)
        let publisher = try self.publisher(user, confirms: true, on: thread)
        let replies = try self.publisher(user, confirms: false, on: thread)
        var services: [any Service] = [database, PoolGauges(pool: database, service: service), publisher, replies]
        let definition = try self.definition(of: service, database: database, publisher: publisher, on: thread, &services)
        let limits = Self.limits(of: service)
        var consumers: [String: any MessageConsumer] = [:]
        for queue in definition.queues {
            let consumer = try self.consumer(queue, of: user, prefetch: limits.prefetch, on: thread)
            services.append(consumer)
            consumers[queue] =
                definition.sensitiveQueues.contains(queue)
                ? OpeningConsumer(consumer, keys: credentialsKeys.all, logger: logger(queue)) : consumer
        }
        let wiring = Worker.Wiring(
            consumers: consumers, publisher: publisher, replies: replies, database: database, clock: clock,
            randomness: randomness)
        services.append(Worker(definition, wiring: wiring, limits: limits, name: name, logger: logger("worker"), tracer: tracer))
        let client = services.lazy.compactMap { $0 as? RequestClient }.first
        return services.map { service in
            let isQueue = if case .queue? = (service as? Consumer)?.source { true } else { false }
            return ThreadBound(service: service, thread: thread, start: isQueue ? client.map(untilConnected) : nil)
        }
    }

    /// Waits until the process can ask other services. Its queues are not consumed before, so other workers handle their messages.
    private func untilConnected(_ client: RequestClient) -> @Sendable () async throws -> Void {
        { while await !client.isConnected { try await clock.sleep(for: Self.connectionInterval) } }
    }

    /// How a worker asks other services; adds the services that this needs to run.
    func asking(_ user: String, commands: Publisher, on thread: IOThread, _ services: inout [any Service]) throws -> RequestClient.Ask {
        let queries = try publisher(user, confirms: true, for: "queries", on: thread)
        let (client, parts) = try requestClient(user, commands: commands, queries: queries, on: thread)
        services += [queries] + parts
        return client.ask
    }

    func consumer(_ queue: String, of user: String, prefetch: Int, on thread: IOThread) throws -> Consumer {
        Consumer(
            configuration: try broker(user, queue), renewing: renewal(user, queue), source: .queue(queue), prefetch: prefetch, on: thread, logger: logger(queue))
    }
}

/// A setting that a role needs is missing or unusable.
package struct AssemblyError: Error, CustomStringConvertible {
    package let description: String

    package init(_ name: String, _ trouble: String, _ accepted: String) {
        description = "\(name) \(trouble); accepted: \(accepted)"
    }
}
