import LocalServers
import LocalState
import PostgreSQL
import Terminal
import Up

/// Measures checkouts over large tables, at rest and while the tables are maintained and audited.
extension BenchRun {
    private static let rest = Duration.seconds(10)
    private static let samplePause = Duration.milliseconds(50)
    private static let auditLimit = Duration.seconds(3_000)

    func measureGrowth(_ running: RunningShop) async throws {
        console.line("Filling the tables with \(plan.grownOrders) orders and \(plan.grownInboxRows) inbox rows")
        let start = ContinuousClock.now
        let bytes = try await GrownTables(database: running.database).fill(orders: plan.grownOrders, inboxRows: plan.grownInboxRows)
        let gigabytes = Double(bytes) / 1e9
        console.line(
            "  filled in \(Figures.text((ContinuousClock.now - start).seconds)) s; the database takes \(Figures.text(gigabytes)) GB, "
                + "\(Figures.text(gigabytes * 1e6 / Double(plan.grownOrders))) GB for a million orders")
        for _ in 0..<plan.rounds {
            let measured = try await checkouts(running).measure(try await carts(running).fill(plan.orders))
            found(.growth, measured.rate, "orders/s", remark: Self.remark(measured))
        }
        try await measurePauses(running)
    }

    /// Measures the longest time without an accepted order, at rest and during each kind of maintenance.
    private func measurePauses(_ running: RunningShop) async throws {
        try await pause(.pauseAtRest, "nothing else", running) { try await Task.sleep(for: Self.rest) }
        try await pause(.pauseInVacuum, "every page and index vacuumed", running) {
            try await running.database.withConnection { connection in
                for table in GrownTables.tables { _ = try await connection.execute("VACUUM (FREEZE, INDEX_CLEANUP ON, DISABLE_PAGE_SKIPPING) \(raw: table)") }
            }
        }
        try await pause(.pauseInDrop, "a day of each inbox dropped", running) {
            try await GrownInboxes(database: running.database).expire({ try running.pool(of: $0, logger) }, logger: logger)
        }
        let memory = try await pause(.pauseInAudit, "wharf audit", running) { try await audit() }
        found(.auditMemory, memory, "MB")
    }

    @discardableResult
    private func pause<Result: Sendable>(_ figure: BenchFigure, _ what: String, _ running: RunningShop, _ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        // The checkouts have connections of their own, because the maintenance holds the others.
        let pool = try running.pool(of: "carts", logger)
        let steady = SteadyCheckouts(carts: PreparedCarts(baskets: baskets, database: pool), customers: customers(running, BenchPlan.clients))
        let outcome: (longest: Duration, accepted: Int, result: Result)
        do {
            outcome = try await steady.during(body)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
        found(figure, outcome.longest.milliseconds, "ms without an accepted order", remark: "\(what), \(outcome.accepted) orders meanwhile")
        return outcome.result
    }

    /// Runs `wharf audit` to its end. The audit finds that the gateway does not know the grown orders, and that they were never announced; this is not a failure, but an
    /// audit that cannot read the tables is.
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
