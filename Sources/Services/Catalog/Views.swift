import Contracts
import FoundationEssentials

struct ProductView: Sendable, Codable {
    @PublicID var id: UUID
    let sku: String
    let slug: String
    let name: String
    let description: String
    let brand: String?
    let price: Money
    /// The first of `categories`.
    let category: String?
    let categories: [String]
    let attributes: [String: Scalar]
    let images: [Image]
    let available: Int
    /// Nil for what is for sale.
    let archived: Bool?
    let updatedAt: Date
}

struct StockView: Sendable, Codable {
    let sku: String
    let onHand: Int
    let reserved: Int
    let available: Int

    init(sku: String, onHand: Int, reserved: Int) {
        self.sku = sku
        self.onHand = onHand
        self.reserved = reserved
        available = onHand - reserved
    }
}
