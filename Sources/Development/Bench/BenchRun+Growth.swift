import Load
import ShopClient
import Terminal

/// Measures checkouts over large tables.
extension BenchRun {
    /// The number of customers who fill their carts by requests, so that the inbox of carts has typical rows, which are then copied.
    private static let shoppers = 20

    func measureGrowth(_ running: RunningShop) async throws {
        try await shop(running)
        console.line("Filling the tables with \(plan.grownOrders) orders and \(plan.grownInboxRows) inbox rows")
        let start = ContinuousClock.now
        let bytes = try await GrownTables(database: running.database).fill(orders: plan.grownOrders, inboxRows: plan.grownInboxRows)
        console.line("  filled in \(Figures.text((ContinuousClock.now - start).seconds)) s; the database takes \(Figures.text(Double(bytes) / 1e9)) GB")
        for _ in 0..<plan.rounds {
            let measured = try await checkouts(running).measure(try await carts(running).fill(plan.orders))
            found(.growth, measured.rate, "orders/s", remark: Self.remark(measured))
            let processor = measured.costs.each(of: plan.orders).processorSeconds.values.reduce(0, +)
            found(.growthProcessor, processor * 1000, "ms of processor time an order")
        }
        try await measurePauses(running)
    }

    /// Each shopper puts four items into an empty cart and checks out, by requests.
    private func shop(_ running: RunningShop) async throws {
        let customers = customers(running, Self.shoppers)
        let carts = try await carts(running).make(Self.shoppers)
        for (number, cart) in carts.enumerated() {
            for place in 0..<4 {
                try await customers.putItem(baskets.goods[(number + place) % baskets.goods.count].sku, quantity: 1, into: cart)
            }
            try await customers.checkOut(cart)
        }
    }
}
