import FoundationEssentials
import Load
import Terminal

/// The roles on one host and the servers on another, with a network delay between them.
extension BenchRun {
    private static let distanceLimit = Duration.seconds(600)

    /// Leaves the usual shop running.
    func measureDistance() async throws -> RunningShop {
        for round in 0..<plan.rounds {
            console.line(console.paint.bold("Servers on another host, round \(round + 1) of \(plan.rounds)"))
            for milliseconds in BenchPlan.distances {
                try await attempt(.distance, Self.distanceLimit) { try await measureDistance(milliseconds) }
            }
        }
        return try await shop.start(workers: BenchPlan.workers)
    }

    private func measureDistance(_ milliseconds: Int) async throws {
        let host = try FarHost(folder)
        do {
            try await measureDistance(milliseconds, host)
        } catch {
            await end(host)
            throw error
        }
        await end(host)
    }

    /// Runs to its end even after a cancellation: what was started must be stopped, the shop before its servers.
    private func end(_ host: FarHost) async {
        await Task {
            await shop.stop()
            await host.stop()
        }.value
    }

    private func measureDistance(_ milliseconds: Int, _ host: FarHost) async throws {
        guard let figures = BenchFigure.distance(milliseconds: milliseconds) else { return }
        await shop.stop()
        let servers = try await host.start(milliseconds: milliseconds)
        let running = try await shop.start(workers: BenchPlan.workers, external: servers)
        try await warmUp(running)
        let way = "each packet takes \(milliseconds) ms"
        let measured = try await checkouts(running).measure(try await carts(running).fill(plan.orders))
        found(figures.rate, measured.rate, "orders/s", remark: way)
        let alone = try await measureAlone(running)
        found(figures.single, alone.percentile(0.5), "ms", remark: "p99 \(Figures.text(alone.percentile(0.99))) ms, \(way)")
    }
}
