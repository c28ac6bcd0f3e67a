import Glibc
import LocalServers
import Terminal
import Up

/// A fault of PostgreSQL.
enum DatabaseFault: Fault {
    case restarted, restartedAtOnce, killed, sessionsTerminated
    /// As before a switchover; there is no other server.
    case readOnly
    case locked(table: String)

    /// A table that each part of an order writes to.
    static let tables = ["carts.carts", "catalog.stock", "orders.checkouts", "orders.orders", "payments.attempts", "notifications.notifications", "orders.inbox"]
    private static let locker = "chaos lock"
    static let database = "wharf"
    private static let lockLimit = Duration.seconds(10)
    /// Longer than any fault lasts: the lock is ended from outside.
    private static let lockSeconds = 60

    func inject(into shop: ChaosShop) async throws {
        switch self {
        case .restarted: try await shop.end(await shop.processes(of: "postgresql"), by: SIGINT)
        case .restartedAtOnce: try await shop.end(await shop.processes(of: "postgresql"), by: SIGQUIT)
        case .killed: try await shop.end(await shop.processes(of: "postgresql"), by: SIGKILL)
        case .sessionsTerminated:
            try await shop.database.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'postgres'")
        case .readOnly: try await setReadOnly(true, in: shop)
        case .locked(let table): try await Self.lock(table, "ACCESS EXCLUSIVE", in: shop)
        }
    }

    func restore(in shop: ChaosShop) async throws {
        switch self {
        case .readOnly: try await setReadOnly(false, in: shop)
        case .locked: try await Self.unlock(in: shop)
        case .restarted, .restartedAtOnce, .killed, .sessionsTerminated: break
        }
    }

    private func setReadOnly(_ isReadOnly: Bool, in shop: ChaosShop) async throws {
        let postgres = try await shop.database
        try await postgres.query("ALTER SYSTEM \(isReadOnly ? "SET default_transaction_read_only = on" : "RESET default_transaction_read_only")")
        try await postgres.query("SELECT pg_reload_conf()")
    }

    /// The session that holds the lock belongs to the shop's tasks, and ends when it is terminated. Returns when it has the lock.
    static func lock(_ table: String, _ mode: String, in shop: ChaosShop) async throws {
        let postgres = try await shop.database
        shop.background {
            _ = try? await postgres.query(
                """
                SET application_name = '\(Self.locker)';
                BEGIN;
                LOCK TABLE \(table) IN \(mode) MODE;
                SELECT pg_sleep(\(Self.lockSeconds));
                COMMIT
                """, database: Self.database)
        }
        let holds = """
            SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE application_name = '\(Self.locker)' AND relation IS NOT NULL AND granted
            """
        let isLocked = try await poll(every: .milliseconds(100), within: Self.lockLimit) {
            try await postgres.query(holds, database: Self.database) != "0"
        }
        guard isLocked else { throw ChaosError(.deadline, "\(table) could not be locked within \(Self.lockLimit.inSeconds).") }
    }

    static func unlock(in shop: ChaosShop) async throws {
        try await shop.database.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(Self.locker)'")
    }
}

/// `kill -9` of Redis, which remembers attempts to sign in.
struct CacheFault: Fault {
    func inject(into shop: ChaosShop) async throws {
        try await shop.end(await shop.processes(of: "redis"), by: SIGKILL)
    }

    func restore(in shop: ChaosShop) async throws {}
}
