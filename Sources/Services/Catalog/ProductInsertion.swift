import Contracts
import FoundationEssentials
import IOThreads
import PostgreSQL

/// The statement that inserts products without their variants and stock, and without reading back what was inserted. It fails if a SKU or a slug is taken.
///
/// Most of it is encoded before the slugs and the time are known: an import does this while the database works on something else.
struct ProductInsertion: Sendable {
    /// A character that no slug of a category contains.
    private static let separator = "\u{1F}"

    private let beginning: SQL

    init(of products: [(id: UUID, product: NewProduct)]) throws {
        let new = products.map(\.product)
        beginning = """
            INSERT INTO products (id, sku, name, description, brand, price, currency, category, categories, attributes, images, slug, created_at, updated_at)
            SELECT id, sku, name, description, brand, price, currency, category, string_to_array(categories, \(Self.separator)), attributes::json,
                   images::jsonb, slug, moment, moment
            FROM unnest(
                \(products.map(\.id)), \(new.map(\.sku)), \(new.map(\.name)), \(new.map(\.description)),
                \(new.map(\.brand)), \(new.map(\.price.amount)), \(new.map(\.price.currency)), \(new.map(\.categories.first)),
                \(new.map { $0.categories.joined(separator: Self.separator) }), \(try new.map { try Self.text($0.attributes) }),
                \(try new.map { $0.images.isEmpty ? "[]" : try ProductStore.text($0.images.map(KeptImage.init)) }),
            """
    }

    private static func text(_ attributes: [String: Scalar]) throws -> String {
        pauseIfNeeded()
        return try ProductStore.text(attributes)
    }

    /// - Parameter slugs: The slugs of the products, in the same order.
    func statement(slugs: [String], now: Date) -> SQL {
        beginning + """
             \(slugs)
            ) AS new (id, sku, name, description, brand, price, currency, category, categories, attributes, images, slug)
            CROSS JOIN (SELECT \(now) AS moment) AS time
            """
    }
}
