import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// A stored variant with its available stock.
struct VariantRow: Sendable, Codable {
    let sku: String
    let options: [String: String]
    /// Nil to use the product's.
    let amount: Int?
    let available: Int

    func variant(currency: String) -> Variant {
        Variant(sku: sku, options: options, price: amount.map { Money(amount: $0, currency: currency) })
    }

    func view(price: Money) -> VariantView {
        VariantView(sku: sku, options: options, price: Money(amount: amount ?? price.amount, currency: price.currency), available: available)
    }
}

enum VariantStore {
    /// The variants of a row of `products`, as JSON; NULL for none.
    static let column: SQL = """
        CASE WHEN has_variants THEN (
            SELECT json_agg(
                json_build_object('sku', variants.sku, 'options', options, 'amount', variants.price, 'available', coalesce(level.on_hand - level.reserved, 0))
                ORDER BY place)
            FROM variants LEFT JOIN stock AS level ON level.sku = variants.sku WHERE product_id = products.id)::text
        END
        """

    static func insert(_ variants: [(product: UUID, variants: [Variant])], on transaction: any SQLConnection) async throws {
        let rows = variants.flatMap { product, variants in variants.enumerated().map { (product: product, place: $0, variant: $1) } }
        guard !rows.isEmpty else { return }
        try await transaction.execute(
            """
            INSERT INTO variants (product_id, sku, place, options, price, archived)
            SELECT product_id, sku, place, options::json, price, (SELECT archived FROM products WHERE id = product_id)
            FROM unnest(
                \(rows.map(\.product)), \(rows.map(\.variant.sku)), \(rows.map(\.place)),
                \(try rows.map { String(decoding: try JSON.encode($0.variant.options), as: UTF8.self) }), \(rows.map(\.variant.price?.amount))
            ) AS new (product_id, sku, place, options, price)
            """)
    }

    static func replace(_ variants: [Variant], of product: UUID, on transaction: any SQLConnection) async throws {
        try await transaction.execute("DELETE FROM variants WHERE product_id = \(product)")
        try await insert([(product, variants)], on: transaction)
    }

    static func setPrices(_ prices: [(sku: String, price: Int)], on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            UPDATE variants SET price = new.price
            FROM unnest(\(prices.map(\.sku)), \(prices.map(\.price))) AS new (sku, price)
            WHERE variants.sku = new.sku AND NOT archived
            """)
    }

    /// What is for sale of these SKUs, where they are of variants.
    static func prices(_ skus: [String], availability: Bool, on connection: any SQLConnection) async throws -> [PriceList.Entry] {
        let (available, stock): (SQL, SQL) = availability ? ("coalesce(on_hand - reserved, 0)", "LEFT JOIN stock ON stock.sku = variants.sku") : ("NULL::integer", "")
        return try await connection.query(
            """
            SELECT variants.sku, name, options::text AS options, coalesce(variants.price, products.price) AS price, currency, slug,
                   \(ProductStore.image), \(available) AS available
            FROM variants JOIN products ON products.id = product_id \(stock)
            WHERE variants.sku = ANY(\(skus)) AND NOT variants.archived
            """
        ).map { row in
            let variant = Variant(
                sku: try row.decode("sku"), options: try JSON.decode(from: Array(try row.decode("options", as: String.self).utf8)), price: nil)
            return PriceList.Entry(
                sku: variant.sku, name: variant.name(of: try row.decode("name")), price: Money(amount: try row.decode("price"), currency: try row.decode("currency")),
                slug: try row.decode("slug"), image: try ProductStore.image(row), available: try row.decode("available"))
        }
    }
}
