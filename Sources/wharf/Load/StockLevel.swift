/// What the shop has of a SKU.
struct StockLevel: Sendable, Equatable, Codable {
    let onHand: Int
    let reserved: Int

    var available: Int { onHand - reserved }
}
