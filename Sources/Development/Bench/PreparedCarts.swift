import FoundationEssentials
import Load
import PostgreSQL
import ShopClient

/// Carts that are full before the clock runs. They are written to the tables of the carts service as it would have written them itself.
struct PreparedCarts: Sendable {
    /// Carts of one statement.
    private static let atOnce = 2_000

    let baskets: Baskets
    let database: PostgresPool

    /// - Parameters:
    /// - count: how many; the baskets are used repeatedly where there are fewer.
    /// - extra: an item, by its place among the goods, that every basket holds in addition to its own.
    func fill(_ count: Int, extra: Int? = nil) async throws -> [UUID] {
        var carts: [UUID] = []
        carts.reserveCapacity(count)
        while carts.count < count {
            try Task.checkCancellation()
            let first = carts.count
            let ids = (first..<min(count, first + Self.atOnce)).map { _ in UUID() }
            try await insert(zip(ids, first...).map { ($0, basket($1, extra)) })
            carts += ids
        }
        return carts
    }

    /// Empty carts.
    func make(_ count: Int) async throws -> [UUID] {
        let ids = (0..<count).map { _ in UUID() }
        try await insert(ids.map { ($0, []) })
        return ids
    }

    private func basket(_ number: Int, _ extra: Int?) -> [Baskets.Line] {
        var lines = baskets.baskets[number % baskets.baskets.count]
        if let extra, !lines.contains(where: { $0.good == extra }) { lines.append(Baskets.Line(good: extra, quantity: 1)) }
        return lines
    }

    private func insert(_ carts: [(id: UUID, lines: [Baskets.Line])]) async throws {
        let lines = carts.flatMap { cart in cart.lines.map { (cart: cart.id, good: baskets.goods[$0.good], quantity: $0.quantity) } }
        try await database.transaction { transaction in
            _ = try await transaction.pipeline([
                """
                INSERT INTO carts.carts (id, version, expires_at)
                SELECT id, version, now() + interval '30 days'
                FROM unnest(\(carts.map(\.id)), \(carts.map { 1 + $0.lines.count })) AS new (id, version)
                """,
                """
                INSERT INTO carts.cart_items (cart_id, sku, name, quantity, unit_price, currency)
                SELECT cart_id, sku, name, quantity, price, \(Good.currency)
                FROM unnest(
                    \(lines.map(\.cart)), \(lines.map(\.good.sku)), \(lines.map(\.good.name)), \(lines.map(\.quantity)),
                    \(lines.map(\.good.price))) AS new (cart_id, sku, name, quantity, price)
                """,
            ])
        }
    }
}
