public import AMQP
public import Logging
import Messaging
public import PostgreSQL
public import Runtime
public import ServiceLifecycle

/// Stores the announcements of messages on the retry ladder.
///
/// While PostgreSQL is unavailable they wait in their queue, which drops the oldest when it is full. A batch that the database rejects is dropped, and its
/// messages are not shown.
public struct WaitingCollector: Service {
    public static let queue = Exchange.waiting
    /// The maximum of announcements in one transaction.
    public static let maximumBatch = 200
    /// The prefetch that its consumer needs.
    public static let prefetch = BatchIntake.prefetch(batch: maximumBatch)

    let consumer: any MessageConsumer
    let database: any Database
    let clock: any WallClock
    let logger: Logger

    /// - Parameters:
    ///   - consumer: takes from `queue`.
    ///   - database: leads to the schema of ``DeadLettersService``.
    public init(consumer: any MessageConsumer, database: any Database, clock: any WallClock, logger: Logger) {
        self.consumer = consumer
        self.database = database
        self.clock = clock
        self.logger = logger
    }

    /// Returns after a graceful shutdown, when the consumer has been stopped.
    public func run() async {
        await BatchIntake(consumer: consumer, maximumBatch: Self.maximumBatch, clock: clock).run { deliveries in
            deliveries.compactMap(NewWaiting.init)
        } store: { messages, _ in
            await keep(messages)
        }
    }

    /// Returns false while the database is unavailable.
    private func keep(_ messages: [NewWaiting]) async -> Bool {
        guard !messages.isEmpty else { return true }
        do {
            let now = clock.now()
            try await database.transaction { try await WaitingStore.add(messages, now: now, on: $0) }
            return true
        } catch {
            let isRefused = Failure(error).remedy == .deadLetter
            logger.warning(
                isRefused ? "announcements of waiting messages are dropped" : "announcements of waiting messages are not stored yet",
                metadata: ["messages": "\(messages.count)", "error": "\(error)"])
            return isRefused
        }
    }
}
