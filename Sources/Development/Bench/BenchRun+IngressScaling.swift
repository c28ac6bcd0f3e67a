import Runtime
import Terminal
import Up

/// One to four ingress processes, each with a small share of a processor, so that they, and not the machine, are the bottleneck.
extension BenchRun {
    func measureIngressScaling(_ running: RunningShop) async throws {
        let more = try MoreIngresses((BenchPlan.ingressSteps.max() ?? 1) - 1, in: folder, transport: transport)
        do {
            try await measureIngressScaling(running, more)
        } catch {
            await Task { await more.stop() }.value
            throw error
        }
        await more.stop()
    }

    private func measureIngressScaling(_ running: RunningShop, _ more: MoreIngresses) async throws {
        let reads = try await productPaths(running).map { "GET \($0)" }
        let ingresses = running.processes(of: ChildSpec.ingress).map { (pid: $0, url: running.url) } + (try await more.start())
        for round in 0..<plan.rounds {
            console.line(console.paint.bold("Scaling of the ingress, round \(round + 1) of \(plan.rounds)"))
            for count in BenchPlan.ingressSteps { try await measure(reads, through: Array(ingresses.prefix(count)), running) }
        }
    }

    /// The number of clients per process is constant.
    private func measure(_ reads: [String], through ingresses: [(pid: Int32, url: String)], _ running: RunningShop) async throws {
        guard let figures = BenchFigure.ingressScale(processes: ingresses.count) else { return }
        let quota = try ProcessorQuota(BenchPlan.ingressShare, of: ingresses.map(\.pid))
        defer { quota.remove() }
        let before = ProcessorUse.now(running)
        let (folder, seconds) = (folder, plan.requestSeconds)
        let rates = try await ingresses.map(\.url).concurrentMap(limit: ingresses.count) { url in
            try await KeepAliveClients(folder: folder, url: url).measure(reads, clients: BenchPlan.ingressClients, seconds: seconds).rate
        }
        let busy = ProcessorUse.now(running).shares(since: before).busy
        found(figures.rate, rates.reduce(0, +), "requests/s", remark: "processors \(Goals.percent(busy)) busy")
        book.add(figures.busy, busy)
    }
}
