public import AMQP
public import Logging
import Messaging
public import PostgreSQL
public import Runtime
public import ServiceLifecycle

/// Moves dead letters from the broker into PostgreSQL: every delivery, whatever its content, acknowledged only once it is stored.
///
/// While PostgreSQL is unavailable, delivered letters are held and retried, and the rest waits in the broker: nothing is lost, and
/// nothing is stored twice.
public struct DeadLetterCollector: Service {
    public static let queue = "dead-letters"
    /// The most letters in one transaction.
    public static let maximumBatch = 100
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

    /// Returns after a graceful shutdown, when held letters are stored or released, and when the consumer has been stopped.
    public func run() async {
        await BatchIntake(consumer: consumer, maximumBatch: Self.maximumBatch, clock: clock).run { deliveries in
            deliveries.flatMap(Bundle.open).map(NewLetter.init)
        } store: { letters, pause in
            do {
                try await store(letters)
                for letter in letters { logger.info("dead letter stored", metadata: letter.logMetadata) }
                return true
            } catch {
                logger.warning(
                    "dead letters are waiting to be stored",
                    metadata: ["letters": "\(letters.count)", "error": "\(error)", "pause": "\(pause)"])
                return false
            }
        }
    }

    /// Stores the letters together, or else one by one; a letter that the database rejects is stored bare, which loses nothing that a replay needs. Throws only
    /// errors of the whole database.
    private func store(_ letters: [NewLetter]) async throws {
        do {
            try await DeadLetterStore.add(letters, now: clock.now(), to: database)
        } catch let error as PostgresError where error.concernsOneLetter {
            guard letters.count == 1 else {
                for letter in letters { try await store([letter]) }
                return
            }
            logger.error("a dead letter is stored without the parts for display; a replay still sends all of it", metadata: ["error": "\(error)"])
            let bare = letters.map { $0.bare(because: "\(error.message)") }
            try await DeadLetterStore.add(bare, now: clock.now(), to: database)
        }
    }
}

extension PostgresError {
    /// The server is available and will never accept this letter as it is, because of its values or their size. Any other error is waited for, since a
    /// bare letter shows little.
    fileprivate var concernsOneLetter: Bool { Failure(self).remedy == .deadLetter || sqlState?.hasPrefix(Self.limitExceeded) == true }

    /// The class of SQLSTATEs for limits of the program.
    private static let limitExceeded = "54"
}
