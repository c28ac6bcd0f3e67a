import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

struct ProductRow: Sendable {
    let view: ProductView
    let variants: [VariantRow]
    let version: Int
    let createdAt: Date
    /// In a ranked list.
    var score: Int?
    /// The total number of matches of the search.
    var hits: Int?

    /// Covers what administrators change. A sale does not change it: stock has its own tag.
    var etag: String { "\"\(version)\"" }
}

enum ProductStore {
    /// Serialises batches that change products: administrators change them rarely, and SKUs and slugs that are free stay free until the batch commits.
    static func lock(on transaction: any SQLConnection) async throws {
        try await transaction.execute(locking)
    }

    static let locking: SQL = "SELECT pg_advisory_xact_lock(hashtextextended('catalog.products', 0))"

    /// Before `FROM` products joined with ``availability``.
    static let columns: SQL = """
        SELECT id, sku, slug, name, description, brand, price, currency, categories, attributes::text AS attributes, images::text AS images,
               archived, version, created_at, updated_at, coalesce(on_hand - reserved, 0) AS available, \(VariantStore.column) AS variants
        """
    static let availability: SQL = "LEFT JOIN stock USING (sku)"
    static let products: SQL = "\(columns), NULL::integer AS score, NULL::bigint AS hits FROM products \(availability) "

    /// The products for sale with these ids or slugs.
    static func find(_ keys: [String], on connection: any SQLConnection) async throws -> [ProductRow] {
        let ids = keys.compactMap(UUID.init(uuidString:))
        return try await connection.query(
            products + "WHERE (id = ANY(\(ids)) OR slug = ANY(\(keys))) AND NOT archived"
        ).map(read)
    }

    static func find(skus: [String], on connection: any SQLConnection) async throws -> [String: ProductRow] {
        let rows = try await connection.query(products + "WHERE sku = ANY(\(skus)) AND NOT archived").map(read)
        return Dictionary(rows.map { ($0.view.sku, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// What is for sale of these SKUs.
    static func prices(_ skus: [String], availability: Bool, on connection: any SQLConnection) async throws -> [String: PriceList.Entry] {
        let (available, stock): (SQL, SQL) = availability ? ("coalesce(on_hand - reserved, 0)", Self.availability) : ("NULL::integer", "")
        let rows = try await connection.query(
            """
            SELECT sku, name, price, currency, slug, \(image), \(available) AS available
            FROM products \(stock) WHERE sku = ANY(\(skus)) AND NOT archived AND NOT has_variants
            """)
        var prices = try rows.map { row in
            let price = Money(amount: try row.decode("price"), currency: try row.decode("currency"))
            return PriceList.Entry(
                sku: try row.decode("sku"), name: try row.decode("name"), price: price, slug: try row.decode("slug"), image: try image(row),
                available: try row.decode("available"))
        }
        let others = Set(skus).subtracting(prices.map(\.sku))
        if !others.isEmpty { prices += try await VariantStore.prices(Array(others), availability: availability, on: connection) }
        return Dictionary(prices.map { ($0.sku, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The first image, read without JSON: prices are read often.
    static let image: SQL = "coalesce(images->0->>'url', images->>0) AS image_url, images->0->>'alt' AS image_alt"

    static func image(_ row: Row) throws -> Image? {
        guard let url: String = try row.decode("image_url") else { return nil }
        return Image(url: url, alt: try row.decode("image_alt"))
    }

    /// Which of these are SKUs and slugs of products and variants for sale. Archived products hold neither.
    /// - Parameter variants: SKUs that may belong to variants, and are known not to belong to products.
    static func taken(
        skus: [String], variants: [String] = [], slugs: [String], on transaction: any SQLConnection
    ) async throws -> (skus: Set<String>, slugs: Set<String>) {
        let rows = try await transaction.query(
            """
            SELECT sku, NULL AS slug FROM products WHERE NOT archived AND sku = ANY(\(skus))
            UNION ALL
            SELECT NULL, slug FROM products WHERE NOT archived AND slug = ANY(\(slugs))
            UNION ALL
            SELECT sku, NULL FROM variants WHERE NOT archived AND sku = ANY(\(skus + variants))
            """)
        return (try Set(rows.compactMap { try $0.decode("sku", as: String?.self) }), try Set(rows.compactMap { try $0.decode("slug", as: String?.self) }))
    }

    /// Which of these are slugs of products for sale.
    static func taken(slugs: [String], on transaction: any SQLConnection) async throws -> Set<String> {
        guard !slugs.isEmpty else { return [] }
        return try Set(await transaction.query(lookingUp(slugs: slugs)).map { try $0.decode("slug") })
    }

    static func lookingUp(slugs: [String]) -> SQL {
        "SELECT slug FROM products WHERE NOT archived AND slug = ANY(\(slugs))"
    }

    /// Returns the inserted products; those whose SKU or slug is taken are left out.
    static func insert(
        _ products: [(id: UUID, slug: String, product: NewProduct)], now: Date, on transaction: any SQLConnection
    ) async throws -> [UUID: ProductRow] {
        try await transaction.execute(try ProductInsertion(of: products.map { ($0.id, $0.product) }).statement(slugs: products.map(\.slug), now: now) + " ON CONFLICT DO NOTHING")
        try await VariantStore.insert(products.map { ($0.id, $0.product.variants) }, on: transaction)
        try await transaction.execute("INSERT INTO stock (sku) SELECT sku FROM products WHERE id = ANY(\(products.map(\.id))) ON CONFLICT DO NOTHING")
        let rows = try await transaction.query(Self.products + "WHERE id = ANY(\(products.map(\.id)))")
        return try Dictionary(rows.map(read).map { ($0.view.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Finds archived products, too.
    static func find(_ id: UUID, on transaction: any SQLConnection) async throws -> ProductRow? {
        try await transaction.query(products + "WHERE id = \(id)").first.map(read)
    }

    static func read(_ row: Row) throws -> ProductRow {
        let categories: [String] = try row.decode("categories")
        let price = Money(amount: try row.decode("price"), currency: try row.decode("currency"))
        let variants: [VariantRow] = try row.decode("variants", as: String?.self).map { try JSON.decode(from: Array($0.utf8)) } ?? []
        let attributes: String = try row.decode("attributes")
        let images: String = try row.decode("images")
        return ProductRow(
            view: ProductView(
                id: try row.decode("id"), sku: try row.decode("sku"), slug: try row.decode("slug"),
                name: try row.decode("name"), description: try row.decode("description"),
                brand: try row.decode("brand"),
                price: price, category: categories.first, categories: categories, attributes: try JSON.decode(from: Array(attributes.utf8)),
                images: try JSON.decode(from: Array(images.utf8)),
                variants: variants.isEmpty ? nil : variants.map { $0.view(price: price) },
                available: variants.isEmpty ? try row.decode("available") : variants.reduce(0) { $0 + $1.available },
                archived: try row.decode("archived") ? true : nil, updatedAt: try row.decode("updated_at")),
            variants: variants, version: try row.decode("version"), createdAt: try row.decode("created_at"), score: try row.decode("score"), hits: try row.decode("hits"))
    }

    static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSON.encode(value), as: UTF8.self)
    }
}

/// An image as the table has it: without a text a bare URL, which workers of the version before can read.
struct KeptImage: Encodable {
    let image: Image

    func encode(to encoder: any Encoder) throws {
        if image.alt == nil {
            var container = encoder.singleValueContainer()
            try container.encode(image.url)
        } else {
            try image.encode(to: encoder)
        }
    }
}
