import FoundationEssentials
import Glibc
import PostgreSQL
import WebClient

extension BenchRun {
    func measureProduct(_ running: RunningShop) async throws {
        let rows = try await running.database.withConnection { connection in
            try await connection.query("SELECT id FROM catalog.products WHERE NOT archived")
        }
        let paths = try rows.map { "/v1/products/\(try $0.decode("id", as: UUID.self).text)" }
        guard !paths.isEmpty else { throw BenchError(.wrong, "There are no products.") }
        let many = customers(running, BenchPlan.clients)
        try await rate(.product, .productClient, of: plan.productReads, many) { number in
            try await many.send("GET", paths[number % paths.count], expecting: [200])
        }
        let one = customers(running, 1)
        let latencies = try await one.each(of: plan.singleReads) { try await one.send("GET", paths[$0 % paths.count], expecting: [200]) }
        found(.productMedian, latencies.percentile(0.5), "ms", remark: "p99 \(Figures.text(latencies.percentile(0.99))) ms")
    }

    /// Every customer has a cart with a handful of things, whose quantities change.
    func measureItem(_ running: RunningShop) async throws {
        let things = min(5, baskets.goods.count)
        let carts = try await carts(running).make(BenchPlan.clients)
        let many = customers(running, BenchPlan.clients)
        try await rate(.item, .itemClient, of: plan.itemPuts, many) { [goods = baskets.goods] number in
            let sku = goods[(number / carts.count) % things].sku
            try await many.putItem(sku, quantity: 1 + number % 9, into: carts[number % carts.count])
        }
    }

    private func rate(
        _ figure: BenchFigure, _ client: BenchFigure, of count: Int, _ customers: BenchCustomers,
        _ handle: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let clock = ContinuousClock()
        let processor = ProcessorTime().seconds(of: getpid())
        let start = clock.now
        let latencies = try await customers.each(of: count, handle)
        let seconds = (clock.now - start).seconds
        book.add(client, (ProcessorTime().seconds(of: getpid()) - processor) / seconds)
        let retries = customers.retries == 0 ? "" : ", \(customers.retries) retries"
        found(figure, Double(count) / seconds, "requests/s", remark: "p50 \(Figures.text(latencies.percentile(0.5))) ms\(retries)")
    }
}
