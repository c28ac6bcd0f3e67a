import FoundationEssentials
import Load
import PostgreSQL
import ShopClient
import Terminal

extension BenchRun {
    func measureProduct(_ running: RunningShop) async throws {
        let reads = try await productPaths(running).map { "GET \($0)" }
        let clients = KeepAliveClients(folder: folder, url: running.url)
        let many = try await clients.measure(reads, clients: BenchPlan.clients, seconds: plan.requestSeconds)
        found(.product, many.rate, "requests/s", remark: Self.latency(many))
        let one = try await clients.measure(reads, clients: 1, seconds: plan.requestSeconds)
        found(.productMedian, one.median, "ms", remark: "p99 \(Figures.text(one.p99)) ms")
    }

    /// Every customer has a cart with a handful of items, whose quantities change.
    func measureItem(_ running: RunningShop) async throws {
        let things = min(Self.thingsInCart, baskets.goods.count)
        let carts = try await carts(running).make(BenchPlan.clients)
        let puts = (0..<carts.count * things * Self.mostOfThing).map { number in
            let (cart, sku) = (carts[number % carts.count], baskets.goods[number / carts.count % things].sku)
            return "PUT /v1/carts/\(cart.text)/items/\(sku) {\"quantity\":\(1 + number % Self.mostOfThing)}"
        }
        let clients = KeepAliveClients(folder: folder, url: running.url)
        let many = try await clients.measure(puts, clients: BenchPlan.clients, seconds: plan.requestSeconds)
        found(.item, many.rate, "requests/s", remark: Self.latency(many))
    }

    /// - Throws: ``BenchError`` with code `wrong` when there are none.
    func productPaths(_ running: RunningShop) async throws -> [String] {
        let rows = try await running.database.withConnection { try await $0.query("SELECT id FROM catalog.products WHERE NOT archived") }
        guard !rows.isEmpty else { throw BenchError(.wrong, "There are no products.") }
        return try rows.map { "/v1/products/\(try $0.decode("id", as: UUID.self).text)" }
    }

    private static let thingsInCart = 5
    private static let mostOfThing = 9

    private static func latency(_ measured: PrintedFigures) -> String {
        "p50 \(Figures.text(measured.median)) ms, p99 \(Figures.text(measured.p99)) ms"
    }
}
