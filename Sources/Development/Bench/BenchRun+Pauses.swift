import LocalServers
import LocalState
import PostgreSQL
import Terminal
import Up

/// Measures how long checkouts pause while large tables are maintained and audited, and how long they pause without that: only the difference is due to the maintenance.
extension BenchRun {
    /// The minimum length of a measurement. It includes the aftermath of a short task, and the longest pause within a moment would say little.
    private static let shortest = Duration.seconds(10)
    /// The maximum length of the measurement that a long task is compared with.
    private static let longestWithout = Duration.seconds(120)
    private static let samplePause = Duration.milliseconds(50)
    private static let auditLimit = Duration.seconds(3_000)

    func measurePauses(_ running: RunningShop) async throws {
        try await pause(.vacuum, running) {
            try await running.database.withConnection { connection in
                for table in GrownTables.tables + GrownInboxes.tables {
                    _ = try await connection.execute("VACUUM (FREEZE, INDEX_CLEANUP ON, DISABLE_PAGE_SKIPPING) \(raw: table)")
                }
            }
        }
        try await pause(.drop, running) {
            try await GrownInboxes(database: running.database).expire({ try running.pool(of: $0, logger) }, logger: logger)
        }
        let memory = try await pause(.audit, running) { try await audit() }
        found(.auditMemory, memory, "MB")
    }

    /// Measures the pauses during the work, then without it.
    @discardableResult
    private func pause<Result: Sendable>(_ work: BenchFigure.Maintenance, _ running: RunningShop, _ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let during = try await steady(running, atLeast: Self.shortest) { try await LockWaits(database: running.database).longest(during: body) }
        found(work.figures.pause, during.pauses.longest.milliseconds, "ms without an accepted order", remark: "\(work.rawValue): \(Self.remark(during))")
        found(work.figures.lock, during.result.wait.milliseconds, "ms that a worker waited for a locked table")
        let without = try await steady(running, atLeast: min(during.length, Self.longestWithout)) {}
        found(work.figures.without, without.pauses.longest.milliseconds, "ms without an accepted order", remark: "without it: \(Self.remark(without))")
        return during.result.result
    }

    private func steady<Result: Sendable>(
        _ running: RunningShop, atLeast shortest: Duration, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> SteadyCheckouts.Measured<Result> {
        // The checkouts have connections of their own, because the maintenance holds the others.
        let pool = try running.pool(of: "carts", logger)
        let steady = SteadyCheckouts(carts: PreparedCarts(baskets: baskets, database: pool), customers: customers(running, BenchPlan.clients))
        do {
            let measured = try await steady.during(atLeast: shortest, body)
            await pool.close()
            return measured
        } catch {
            await pool.close()
            throw error
        }
    }

    private static func remark(_ measured: SteadyCheckouts.Measured<some Sendable>) -> String {
        let (pauses, seconds) = (measured.pauses, measured.length.seconds)
        return "\(pauses.long) pauses over \(Figures.text(Pauses.tolerated.milliseconds)) ms, \(pauses.orders) orders in \(Figures.text(seconds)) s"
    }

    /// Runs `wharf audit` to its end. The audit finds that the gateway does not know the grown orders; this is not a failure, but an audit that cannot read the tables is.
    /// - Returns: the most memory that the audit took, in MB.
    private func audit() async throws -> Double {
        let lines = LineStore()
        let command = ProcessCommand(try Executables().wharf, ["audit"], inheritsEnvironment: false, workingFolder: folder.path)
        let audit = ManagedProcess(name: "wharf audit", command: command, output: .lines { lines.add($0) })
        try await audit.start()
        var most = 0
        let hasEnded = try await poll(every: Self.samplePause, within: Self.auditLimit) {
            guard let pid = await audit.pid else { return true }
            if let memory = ProcessView(pid: pid).residentBytes { most = max(most, memory) }
            return false
        }
        let exit = await audit.exit
        guard hasEnded, exit == .exited(0) || exit == .exited(1) else {
            await audit.kill()
            throw BenchError(.failed, "The audit failed: \(lines.last(3).joined(separator: "; "))")
        }
        console.line(console.paint.dim("    wharf audit: \(lines.last(1).joined())"))
        return Double(most) / 1e6
    }
}
