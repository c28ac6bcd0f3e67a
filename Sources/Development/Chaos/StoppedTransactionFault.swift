import Assembly
import Glibc
import LocalServers
import LocalState
import Terminal
import Up

/// One worker of a role is stopped while it has a transaction open, with all the locks that it holds by then: to PostgreSQL a machine that has lost
/// power. The others of the role are held up until its session ends.
struct StoppedTransactionFault: Fault {
    /// Roles in whose transactions others wait for locks.
    static let roles: [ServiceName] = [.carts, .catalog, .orders, .payments]
    private static let limit = Duration.seconds(30)
    private static let pause = Duration.milliseconds(20)

    let role: String

    /// A process cannot be stopped at a chosen point: it is stopped wherever it is, and resumed where no transaction turns out to be open.
    func inject(into shop: ChaosShop) async throws {
        let isStopped = try await poll(every: Self.pause, within: Self.limit) {
            for process in await shop.processes(of: role) {
                Glibc.kill(process.pid, SIGSTOP)
                if try await isInTransaction(process.pid, shop) { return true }
                Glibc.kill(process.pid, SIGCONT)
            }
            return false
        }
        guard isStopped else { throw ChaosError(.deadline, "No worker of \(role) was found in a transaction within \(Self.limit.inSeconds).") }
    }

    func restore(in shop: ChaosShop) async throws {
        for process in await shop.processes(of: role) { Glibc.kill(process.pid, SIGCONT) }
    }

    /// By the name that a role's connections have, which ends with its process.
    private func isInTransaction(_ process: Int32, _ shop: ChaosShop) async throws -> Bool {
        try await shop.database.query(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%-\(process)' AND state = 'idle in transaction'") != "0"
    }
}
