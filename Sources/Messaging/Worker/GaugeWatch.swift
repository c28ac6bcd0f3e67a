import FoundationEssentials
public import Instruments
public import Logging
public import PostgreSQL
public import Runtime
public import ServiceLifecycle

/// Updates gauges from a service's database. Every worker of the service reads them with a query of bounded cost and reports the same values, so
/// no worker has to be elected.
public struct GaugeWatch: Service {
    /// The interval between reads, at which metrics are usually collected.
    static let interval: Duration = .seconds(15)

    private let database: any Database
    private let gauges: [GaugeSet]
    private let clock: any WallClock
    private let logger: Logger
    private let read: @Sendable (any SQLConnection, Date) async throws -> Void

    /// - Parameters:
    ///   - gauges: The gauges that `read` sets. They are NaN while the database cannot be read.
    ///   - read: Receives the current time.
    public init(
        _ gauges: [GaugeSet], of database: any Database, clock: any WallClock, logger: Logger,
        read: @escaping @Sendable (any SQLConnection, Date) async throws -> Void
    ) {
        self.gauges = gauges
        self.database = database
        self.clock = clock
        self.logger = logger
        self.read = read
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                await self.look()
                try await self.clock.sleep(for: Self.interval)
            }
        }
    }

    /// Reads the gauges once.
    package func look() async {
        do {
            let now = clock.now()
            try await database.withConnection { try await read($0, now) }
        } catch {
            for gauge in gauges { gauge.forget() }
            logger.debug("could not read gauges from the database", metadata: ["error": "\(error)"])
        }
    }
}
