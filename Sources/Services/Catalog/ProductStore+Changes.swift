import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

extension ProductStore {
    static func update(_ products: [(id: UUID, new: ProductFields)], now: Date, on transaction: any SQLConnection) async throws {
        let new = products.map(\.new)
        try await transaction.execute(
            """
            UPDATE products
            SET slug = new.slug, name = new.name, description = new.description, brand = new.brand, price = new.price, currency = new.currency,
                categories = ARRAY(SELECT json_array_elements_text(new.categories::json)), attributes = new.attributes::json, images = new.images::jsonb,
                archived = new.archived, version = version + 1, updated_at = \(now)
            FROM unnest(
                \(products.map(\.id)), \(new.map(\.slug)), \(new.map(\.name)), \(new.map(\.description)), \(new.map(\.brand)), \(new.map(\.price.amount)),
                \(new.map(\.price.currency)), \(try new.map { try text($0.categories) }), \(try new.map { try text($0.attributes) }),
                \(try new.map { try text($0.images.map(KeptImage.init)) }), \(new.map(\.archived))
            ) AS new (id, slug, name, description, brand, price, currency, categories, attributes, images, archived)
            WHERE products.id = new.id
            """)
    }

    /// What is for sale, by SKU.
    static func page(after sku: String?, limit: Int, on connection: any SQLConnection) async throws -> [ProductRow] {
        try await connection.query(products + "WHERE NOT archived AND sku > \(sku ?? "") ORDER BY sku LIMIT \(limit)").map(read)
    }

    /// The names of all attributes of what is for sale.
    static func attributeNames(limit: Int, on connection: any SQLConnection) async throws -> [String] {
        try await connection.query(
            "SELECT DISTINCT key FROM products, json_object_keys(attributes) AS key WHERE NOT archived ORDER BY key LIMIT \(limit)"
        ).map { try $0.decode("key") }
    }
}
