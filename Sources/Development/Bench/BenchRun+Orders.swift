import FoundationEssentials
import Load
import LocalState
import Terminal

extension BenchRun {
    private static let slowGateway = 200

    func measureCheckouts(_ running: RunningShop, round: Int) async throws {
        // The broker reports its totals with a delay: this waits once.
        let before = round == 0 ? try await BrokerTotals.settled(running, transport) : nil
        let measured = try await checkouts(running).measure(try await carts(running).fill(plan.orders))
        found(.checkouts, measured.rate, "orders/s", remark: Self.remark(measured))
        book.add(.foreign, measured.foreign)
        found(.acceptance, measured.acceptance.percentile(0.5), "ms")
        let costs = measured.costs.each(of: plan.orders)
        found(.orderProcessor, costs.processorSeconds.values.reduce(0, +) * 1000, "ms of processor time an order")
        let memory = measured.peakMemory.mapValues { Double($0) / 1e6 }
        book.note { record in
            record.costs.append(costs)
            record.memoryUnderLoad.merge(memory, uniquingKeysWith: max)
        }
        let services = Set(running.workers.map(\.role))
        if plan.wants(.memory), let largest = memory.filter({ services.contains($0.key) }).values.max() {
            found(.memoryUnderLoad, largest, "MB")
        }
        if let before {
            let after = try await BrokerTotals.settled(running, transport)
            found(.messages, Double(after.published - before.published) / Double(plan.orders), "messages/order")
            found(.deliveries, Double(after.delivered - before.delivered) / Double(plan.orders), "deliveries/order")
        }
    }

    func measureSlowGateway(_ running: RunningShop) async throws {
        let carts = try await carts(running).fill(plan.orders)
        let measured = try await slowly(Self.slowGateway, running) { try await checkouts(running).measure(carts) }
        found(.slowGateway, measured.rate, "orders/s", remark: Self.remark(measured))
    }

    func measureHot(_ running: RunningShop) async throws {
        let measured = try await checkouts(running).measure(try await carts(running).fill(plan.orders, extra: bestSeller))
        found(.hot, measured.rate, "orders/s", remark: Self.remark(measured))
    }

    func measureSingle(_ running: RunningShop) async throws {
        let latencies = try await measureAlone(running)
        found(.single, latencies.percentile(0.5), "ms", remark: "p99 \(Figures.text(latencies.percentile(0.99))) ms")
    }

    /// Places one order after another, and waits until each is confirmed.
    func measureAlone(_ running: RunningShop) async throws -> Latencies {
        let carts = try await carts(running).fill(plan.singleOrders)
        let customer = customers(running, 1)
        return try await customer.each(of: carts.count) { try await customer.checkOut(carts[$0], wait: 10) }
    }

    /// One to eight workers per pool, each with a small share of a processor, so that the workers are the bottleneck and not the machine. Leaves the usual number running.
    func measureScaling(_ running: RunningShop) async throws -> RunningShop {
        for round in 0..<plan.rounds {
            console.line(console.paint.bold("Scaling, round \(round + 1) of \(plan.rounds)"))
            for workers in BenchPlan.scaleSteps {
                try await attempt(.scaling, .seconds(300)) { try await measureScaling(workers: workers) }
            }
        }
        return try await shop.start(workers: BenchPlan.workers)
    }

    private func measureScaling(workers: Int) async throws {
        guard let figures = BenchFigure.scale(workers: workers) else { return }
        let running = try await shop.start(workers: workers)
        _ = try await checkouts(running).measure(try await carts(running).fill(plan.warmUpOrders))
        let carts = try await carts(running).fill(plan.scaleOrders * workers)
        let quota = try ProcessorQuota(BenchPlan.scaleShare, of: running.workers.map(\.pid))
        defer { quota.remove() }
        // The number of clients per worker is constant: with the same few clients for all, batches would become smaller and orders more expensive.
        let measured = try await Checkouts(shop: running, transport: transport, clients: BenchPlan.clients * workers).measure(carts)
        found(figures.rate, measured.rate, "orders/s", remark: Self.remark(measured))
        book.add(figures.busy, measured.busy)
        book.add(.foreign, measured.foreign)
    }

    func measureBacklog(_ running: RunningShop) async throws {
        console.line("Filling \(plan.backlogOrders) carts")
        let carts = try await carts(running).fill(plan.backlogOrders)
        let before = ProcessorUse.now(running)
        let seconds = try await Backlog(shop: running, logger: logger).measure(carts)
        let shares = ProcessorUse.now(running).shares(since: before)
        let remark = "all waiting at the start, processors \(Goals.percent(shares.busy)) busy, \(Goals.percent(shares.foreign)) by others"
        found(.backlog, Double(carts.count) / seconds, "orders/s", remark: remark)
    }

    /// With a slow gateway, and without again.
    private func slowly<Result: Sendable>(
        _ milliseconds: Int, _ running: RunningShop, _ body: () async throws -> Result
    ) async throws -> Result {
        try await setGatewayLatency(milliseconds, running)
        do {
            let result = try await body()
            try await setGatewayLatency(0, running)
            return result
        } catch {
            try? await setGatewayLatency(0, running)
            throw error
        }
    }

    /// The good that is in most baskets.
    private var bestSeller: Int {
        var counts = [Int](repeating: 0, count: baskets.goods.count)
        for basket in baskets.baskets { for line in basket { counts[line.good] += 1 } }
        return counts.indices.max { counts[$0] < counts[$1] } ?? 0
    }

    static func remark(_ measured: Checkouts.Measured) -> String {
        let retries = measured.retries == 0 ? "" : ", \(measured.retries) retries"
        return "processors \(Goals.percent(measured.busy)) busy, \(Goals.percent(measured.foreign)) by others, backlog \(measured.largestBacklog)\(retries)"
    }
}
