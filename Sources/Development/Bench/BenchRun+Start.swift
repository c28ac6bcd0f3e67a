import FoundationEssentials
import Load
import LocalState
import ShopClient
import Terminal
import Up
import WebClient

extension BenchRun {
    /// Restarts the shop over its data, once for each round: until the first order is confirmed. Memory at rest is measured on the way.
    func measureStart(_ running: RunningShop) async throws -> RunningShop {
        var running = running
        if plan.wants(.ready) {
            console.line(console.paint.bold("Starting again"))
            for _ in 0..<plan.rounds {
                running = try await shop.start(workers: BenchPlan.workers)
                try await attempt(.ready, .seconds(60)) { [running] in try await firstOrder(running) }
            }
            let parts = running.printed.all.filter { $0.contains(": done in ") }
            book.note { $0.startup = parts }
        } else if plan.wants(.memory) {
            running = try await shop.start(workers: BenchPlan.workers)
        }
        if plan.wants(.memory) { noteMemoryAtRest(running) }
        return running
    }

    private func firstOrder(_ running: RunningShop) async throws {
        struct Cart: Decodable { let id: UUID }
        let customer = customers(running, 1)
        let response = try await customer.send("POST", "/v1/carts", expecting: [201])
        let cart = try JSONDecoder().decode(Cart.self, from: Data(response.body)).id
        try await customer.putItem(baskets.goods[0].sku, quantity: 1, into: cart)
        try await customer.checkOut(cart, wait: 10)
        found(.ready, (ContinuousClock.now - running.startedAt).seconds, "s")
    }

    private func noteMemoryAtRest(_ running: RunningShop) {
        let memory = Watch.memory(of: running.record.processes).mapValues { Double($0) / 1e6 }
        let views = running.record.processes.compactMap { process in ProcessView(pid: process.pid).memory.map { (process.role, $0) } }
        let own = Dictionary(views.map { ($0, Double($1.own) / 1e6) }, uniquingKeysWith: max)
        let proportional = Dictionary(views.map { ($0, Double($1.proportional) / 1e6) }, uniquingKeysWith: max)
        book.note { record in
            record.memoryAtRest = memory
            record.ownMemoryAtRest = own
            record.proportionalMemoryAtRest = proportional
        }
        let services = Set(running.workers.map(\.role))
        if let largest = own.filter({ services.contains($0.key) }).values.max() { found(.ownMemoryAtRest, largest, "MB of its own") }
        if let largest = memory.filter({ services.contains($0.key) }).values.max() { found(.memoryAtRest, largest, "MB") }
    }
}
