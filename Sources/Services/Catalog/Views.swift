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
    /// Nil where there are none.
    let variants: [VariantView]?
    /// The sum over all variants, where there are any.
    let available: Int
    /// Nil for a product that is for sale.
    let archived: Bool?
    /// In a search.
    var highlight: Highlight?
    let updatedAt: Date
}

struct FacetValue: Sendable, Codable, Equatable {
    /// The value for the filter.
    let value: String
    /// For display.
    let label: String
    /// The number of products that the list would have with this value in its filter.
    let count: Int
}

struct ProductPage: Sendable, Codable {
    let items: [ProductView]
    let nextCursor: String?
    let facets: [String: [FacetValue]]?
}

struct StockView: Sendable, Codable {
    let sku: String
    let onHand: Int
    let reserved: Int
    let available: Int
    let lowStockAt: Int?

    init(sku: String, _ level: Level) {
        self.sku = sku
        onHand = level.onHand
        reserved = level.reserved
        available = level.available
        lowStockAt = level.lowAt
    }
}
