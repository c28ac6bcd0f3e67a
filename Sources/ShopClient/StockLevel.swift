/// The shop's stock of a SKU.
package struct StockLevel: Sendable, Equatable, Codable {
    package let onHand: Int
    package let reserved: Int

    package init(onHand: Int, reserved: Int) {
        self.onHand = onHand
        self.reserved = reserved
    }

    package var available: Int { onHand - reserved }
}
