/// What a run is to do.
struct LoadPlan: Sendable {
    static let orderCounts = 1...1_000_000
    static let clientCounts = 1...1_000
    static let stocks = 0...Stocking.maximum
    static let timeouts = 1...86_400

    let target: LoadTarget
    let baskets: Baskets
    /// Indices of baskets; used again and again.
    let sequence: [Int]
    /// How many orders to place.
    let orders: Int
    /// Customers at once.
    let clients: Int
    /// Pieces of each good that should be available; nil for as many as the run needs.
    let stock: Int?
    /// Whether all carts are filled before the first checkout.
    let prepares: Bool
    /// The time for everything but the reconciliation.
    let timeout: Duration

    /// The number of followers that poll accepted orders at once.
    var followers: Int { min(64, max(8, clients)) }

    var size: LoadLayout.Size { .init(goods: baskets.goods.count, orders: orders) }

    func basket(_ order: Int) -> [Baskets.Line] {
        baskets.baskets[sequence[order % sequence.count]]
    }

    /// Pieces that all orders ask for, by the good's index.
    var demand: [Int] {
        var demand = [Int](repeating: 0, count: baskets.goods.count)
        for order in 0..<orders {
            for line in basket(order) { demand[line.good] += line.quantity }
        }
        return demand
    }
}
