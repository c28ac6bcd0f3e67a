import Glibc
import LocalState
import PostgreSQL
import Terminal

/// Which roles have used the processors so far.
struct ProcessorUse: Sendable {
    /// Seconds by role, this process among them.
    let seconds: [String: Double]
    let machine: MachineTime?

    static func now(_ shop: RunningShop) -> ProcessorUse {
        let times = ProcessorTime()
        var seconds: [String: Double] = [:]
        for process in shop.record.processes {
            seconds[process.role, default: 0] += times.seconds(below: process.pid)
        }
        // This process alone: the shop is below it.
        seconds[Costs.client] = times.seconds(of: getpid())
        return ProcessorUse(seconds: seconds, machine: MachineTime())
    }

    func seconds(since earlier: ProcessorUse) -> [String: Double] {
        seconds.merging(earlier.seconds) { $0 - $1 }
    }

    /// Shares of all processors' time since then, 0 to 1: that of all processes, and that of processes outside the benchmark.
    func shares(since earlier: ProcessorUse) -> (busy: Double, foreign: Double) {
        guard let first = earlier.machine, let last = machine, last.total > first.total else { return (0, 0) }
        let total = last.total - first.total
        let busy = last.busy - first.busy
        let own = seconds(since: earlier).values.reduce(0, +)
        return (busy / total, max(0, busy - own) / total)
    }
}

/// Counters of the machine and the servers since they were started.
struct CostCounters: Sendable {
    let use: ProcessorUse
    let commits: Int
    let walBytes: Int
    let walSyncs: Int

    /// Reads them all now.
    static func now(_ shop: RunningShop) async throws -> CostCounters {
        let use = ProcessorUse.now(shop)
        let rows = try await shop.database.withConnection { connection in
            try await connection.query(
                """
                SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint AS bytes, wal_sync AS syncs,
                       (SELECT sum(xact_commit)::bigint FROM pg_stat_database) AS commits
                FROM pg_stat_wal
                """)
        }
        guard let row = rows.first else { throw BenchError(.failed, "PostgreSQL returned no counters.") }
        return CostCounters(
            use: use, commits: try row.decode("commits"), walBytes: try row.decode("bytes"),
            walSyncs: try row.decode("syncs"))
    }
}

/// The cost of some work: the difference of two readings of the counters.
struct Costs: Sendable, Codable, Equatable {
    static let client = "client"

    /// Seconds of processor time, by role.
    var processorSeconds: [String: Double]
    var commits: Double
    var walBytes: Double
    var walSyncs: Double

    init(from before: CostCounters, to after: CostCounters) {
        processorSeconds = after.use.seconds(since: before.use)
        commits = Double(after.commits - before.commits)
        walBytes = Double(after.walBytes - before.walBytes)
        walSyncs = Double(after.walSyncs - before.walSyncs)
    }

    /// The same for one of `count` orders.
    func each(of count: Int) -> Costs {
        var costs = self
        let share = 1 / Double(max(1, count))
        costs.processorSeconds = processorSeconds.mapValues { $0 * share }
        costs.commits *= share
        costs.walBytes *= share
        costs.walSyncs *= share
        return costs
    }
}
