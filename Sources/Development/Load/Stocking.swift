import Runtime
import ShopClient
import Terminal

/// Makes sure that the shop sells the goods of the baskets. Repeating it restocks only what has run out.
package struct Stocking: Sendable {
    /// Goods under way at once.
    package static let maximumConcurrent = 16
    /// Stock of a good unless the run specifies or needs otherwise.
    package static let usual = 1_000_000
    /// The most that the shop's stock accepts.
    package static let maximum = 100_000_000

    package let administrator: Administrator
    /// Pieces of each good that should be available; nil for as many as the run needs.
    package let fixed: Int?

    package init(administrator: Administrator, fixed: Int?) {
        self.administrator = administrator
        self.fixed = fixed
    }

    /// The stock of each good when the run begins, by SKU.
    /// - Parameter demand: Pieces that the run will ask for, by the good's place.
    package func stock(
        _ goods: [Good], demand: [Int], onReady: @escaping @Sendable () -> Void
    ) async throws -> [String: StockLevel] {
        do {
            let levels = try await Array(zip(goods, demand)).concurrentMap(limit: Self.maximumConcurrent) { good, demand in
                let level = try await stock(good, demand: demand)
                onReady()
                return (good.sku, level)
            }
            return Dictionary(levels, uniquingKeysWith: { first, _ in first })
        } catch let refusal as Refusal {
            throw LoadError(.refused, "The shop refuses the goods of the baskets: \(refusal)")
        }
    }

    private func stock(_ good: Good, demand: Int) async throws -> StockLevel {
        var known = try await administrator.stock(of: good.sku)
        if known == nil {
            try await administrator.offer(good)
            known = StockLevel(onHand: 0, reserved: 0)
        }
        let level = known ?? StockLevel(onHand: 0, reserved: 0)
        guard let onHand = Self.target(level, demand: demand, fixed: fixed) else { return level }
        return try await administrator.setStock(of: good.sku, to: onHand)
    }

    /// The stock to set; nil when it may stay as it is.
    package static func target(_ level: StockLevel, demand: Int, fixed: Int?) -> Int? {
        if let fixed { return level.available == fixed ? nil : min(maximum, level.reserved + fixed) }
        return level.available >= demand ? nil : min(maximum, level.reserved + max(usual, demand))
    }
}
