import Contracts
import Messaging
import PostgreSQL

/// The event `stock.low`: the available quantity of a SKU has fallen to its threshold, or the threshold was raised to it. It is
/// sent once; only stock that has been above the threshold can become low again.
struct StockLow: Codable {
    let sku: String
    let available: Int
    let lowStockAt: Int

    /// The events of all levels that are low now and were not before. A SKU that had no level before was not low.
    static func messages(_ before: [String: Level], _ after: [String: Level]) throws -> [OutgoingMessage] {
        try after.filter { sku, level in level.isLow && before[sku]?.isLow != true }.sorted { $0.key < $1.key }.map { sku, level in
            try OutgoingMessage(.broadcast(MessageName.stockLow), StockLow(sku: sku, available: level.available, lowStockAt: level.lowAt ?? 0))
        }
    }
}

extension Outcome {
    var isDone: Bool {
        if case .done = self { true } else { false }
    }
}

extension Schema {
    static let lowStock = Migration(
        id: "low stock",
        sql: """
            -- Stock is low when no more than this is available; NULL for a SKU that never is.
            ALTER TABLE stock ADD COLUMN low_at integer CHECK (low_at >= 0);
            """)
}
