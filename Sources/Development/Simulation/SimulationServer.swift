import Carts
import Catalog
import Dispatch
import IOThreads
import LocalServers
import Logging
import Notifications
import Orders
import Payments
import PostgreSQL
import Synchronization

/// A private PostgreSQL for simulations: each run gets a fresh copy of one prepared database.
public final class SimulationServer: Sendable {
    private static let template = "simulation"

    private let server: PostgresServer
    private let lastRun = Mutex(0)
    /// The I/O thread of all connections of all runs.
    private let thread: IOThread
    private let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }

    /// Prepares the server in `folder`; nothing runs yet. Durability is not simulated, so nothing is synced.
    public init(folder: String) throws {
        thread = try IOThread(named: "simulation-io")
        server = try PostgresServer(folder: folder, durable: false)
    }

    public func start() async throws {
        try await server.start()
        // The server's background work must not change the plans or the order of rows.
        // Nor may it end a wait that the simulation has not ended.
        for setting in ["autovacuum = off", "jit = off", "max_parallel_workers_per_gather = 0", "deadlock_timeout = '1h'"] {
            try await server.query("ALTER SYSTEM SET \(setting)")
        }
        try await server.query("SELECT pg_reload_conf()")
        let url = try await server.createDatabase(Self.template)
        let services: [(Shop.Service, [Migration])] = [
            (.catalog, CatalogService.migrations), (.carts, CartsService.migrations), (.orders, OrdersService.migrations),
            (.payments, PaymentsService.migrations), (.notifications, NotificationsService.migrations),
        ]
        for (service, migrations) in services {
            try await Migrator.migrate(migrations, schema: service.rawValue, on: url, logger: logger)
        }
        let pool = try PostgresPool(url: url, size: 1, logger: logger)
        try await pool.transaction { try await Stockroom.fill($0) }
        await pool.close()
    }

    public func stop() async {
        await server.stop()
    }

    /// A copy of the prepared database, and the ways to it.
    func open(_ watchdog: Watchdog) async throws -> (name: String, databases: [Shop.Service: SharedDatabase], interleaving: Interleaving, audit: DatabaseSession) {
        let number = lastRun.withLock { last in
            last += 1
            return last
        }
        let name = "run_\(number)"
        let url = try await server.createDatabase(name, copying: Self.template)
        let (thread, logger) = (thread, logger)
        let (serverURL, runURL) = (server.url, url)
        // Connecting blocks its thread until a task has run. On a thread of the task pool, simulations that begin at the same time would wait for each other.
        let (observer, audit) = try await Self.blocking {
            (try DatabaseSession.open(serverURL, on: thread, logger: logger), try DatabaseSession.open(runURL, on: thread, logger: logger))
        }
        let interleaving = Interleaving(observer: observer, watchdog: watchdog)
        var databases: [Shop.Service: SharedDatabase] = [:]
        for service in Shop.Service.allCases {
            databases[service] = SharedDatabase(interleaving: interleaving) {
                try .open(url, schema: service.rawValue, on: thread, logger: logger)
            }
        }
        return (name, databases, interleaving, audit)
    }

    private static func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "simulation connections").async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    func drop(_ name: String) async throws {
        try await server.query("DROP DATABASE \(name) WITH (FORCE)")
    }
}
