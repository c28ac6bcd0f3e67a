import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

struct ProductRow: Sendable {
    let view: ProductView
    let version: Int
    let createdAt: Date

    var etag: String { "\"\(version)-\(view.available)\"" }
}

enum ProductStore {
    private static let columns: SQL = """
        SELECT id, sku, slug, name, description, price, currency, category, attributes::text AS attributes, images::text AS images,
               version, created_at, updated_at, coalesce(on_hand - reserved, 0) AS available
        FROM products LEFT JOIN stock USING (sku)

        """

    /// Those that are for sale, by id or by slug.
    static func find(_ keys: [String], on connection: any SQLConnection) async throws -> [ProductRow] {
        let ids = keys.compactMap(UUID.init(uuidString:))
        return try await connection.query(
            columns + "WHERE (id = ANY(\(ids)) OR slug = ANY(\(keys))) AND NOT archived").map(read)
    }

    static func list(_ list: ListProducts, on connection: any SQLConnection) async throws -> [ProductRow] {
        var sql = columns + "WHERE NOT archived"
        if let category = list.category { sql = sql + " AND category = \(category)" }
        if let search = list.search {
            let pattern = "%\(search.escapedForLike)%"
            sql = sql + " AND (name ILIKE \(pattern) OR description ILIKE \(pattern) OR sku ILIKE \(pattern))"
        }
        if let after = list.page.after, after.count == 2, let id = UUID(uuidString: after[1]) {
            switch list.sort {
            case .name: sql = sql + " AND (name, id) > (\(after[0]), \(id))"
            case .nameDescending: sql = sql + " AND (name, id) < (\(after[0]), \(id))"
            case .price: sql = sql + " AND (price, id) > (\(Int(after[0]) ?? 0), \(id))"
            case .priceDescending: sql = sql + " AND (price, id) < (\(Int(after[0]) ?? 0), \(id))"
            case .newest:
                let time = Date(timeIntervalSince1970: Double(after[0]) ?? 0)
                sql = sql + " AND (created_at, id) < (\(time), \(id))"
            }
        }
        switch list.sort {
        case .name: sql = sql + " ORDER BY name, id"
        case .nameDescending: sql = sql + " ORDER BY name DESC, id DESC"
        case .price: sql = sql + " ORDER BY price, id"
        case .priceDescending: sql = sql + " ORDER BY price DESC, id DESC"
        case .newest: sql = sql + " ORDER BY created_at DESC, id DESC"
        }
        return try await connection.query(sql + " LIMIT \(list.page.limit + 1)").map(read)
    }

    static func prices(_ skus: [String], on connection: any SQLConnection) async throws -> [String: PriceList.Entry] {
        let rows = try await connection.query(
            "SELECT sku, name, price, currency FROM products WHERE sku = ANY(\(skus)) AND NOT archived")
        return try Dictionary(
            rows.map { row in
                let sku: String = try row.decode("sku")
                let price = Money(amount: try row.decode("price"), currency: try row.decode("currency"))
                return (sku, PriceList.Entry(sku: sku, name: try row.decode("name"), price: price))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The ids of those that are new; a SKU or slug that is taken leaves its product out.
    static func insert(
        _ products: [(id: UUID, product: NewProduct)], now: Date, on transaction: any SQLConnection
    ) async throws -> Set<UUID> {
        let new = products.map(\.product)
        let rows = try await transaction.pipeline([
            """
            INSERT INTO products (id, sku, slug, name, description, price, currency, category, attributes, images, created_at, updated_at)
            SELECT id, sku, slug, name, description, price, currency, category, attributes::jsonb, images::jsonb, \(now), \(now)
            FROM unnest(
                \(products.map(\.id)), \(new.map(\.sku)), \(new.map(\.slug)), \(new.map(\.name)), \(new.map(\.description)),
                \(new.map(\.price.amount)), \(new.map(\.price.currency)), \(new.map(\.category)),
                \(try new.map { try text($0.attributes) }), \(try new.map { try text($0.images) })
            ) AS new (id, sku, slug, name, description, price, currency, category, attributes, images)
            ON CONFLICT DO NOTHING
            RETURNING id
            """,
            "INSERT INTO stock (sku) SELECT sku FROM products WHERE id = ANY(\(products.map(\.id))) ON CONFLICT DO NOTHING",
        ])
        return try Set(rows[0].map { try $0.decode("id", as: UUID.self) })
    }

    static func lock(_ id: UUID, on transaction: any SQLConnection) async throws -> ProductRow? {
        try await transaction.query(columns + "WHERE id = \(id) AND NOT archived FOR UPDATE OF products").first.map(read)
    }

    static func update(_ change: ProductChange, now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            UPDATE products
            SET slug = coalesce(\(change.slug), slug), name = coalesce(\(change.name), name),
                description = coalesce(\(change.description), description), price = coalesce(\(change.price?.amount), price),
                currency = coalesce(\(change.price?.currency), currency), category = coalesce(\(change.category), category),
                attributes = coalesce(\(try change.attributes.map(text))::text::jsonb, attributes),
                images = coalesce(\(try change.images.map(text))::text::jsonb, images),
                version = version + 1, updated_at = \(now)
            WHERE id = \(change.id)
            """)
    }

    static func isSlugTaken(_ slug: String, besides id: UUID, on transaction: any SQLConnection) async throws -> Bool {
        try await !transaction.query("SELECT 1 FROM products WHERE slug = \(slug) AND id <> \(id)").isEmpty
    }

    static func archive(_ id: UUID, now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            "UPDATE products SET archived = true, version = version + 1, updated_at = \(now) WHERE id = \(id)")
    }

    private static func read(_ row: Row) throws -> ProductRow {
        let attributes: String = try row.decode("attributes")
        let images: String = try row.decode("images")
        return ProductRow(
            view: ProductView(
                id: try row.decode("id"), sku: try row.decode("sku"), slug: try row.decode("slug"),
                name: try row.decode("name"), description: try row.decode("description"),
                price: Money(amount: try row.decode("price"), currency: try row.decode("currency")),
                category: try row.decode("category"), attributes: try JSON.decode(from: Array(attributes.utf8)),
                images: try JSON.decode(from: Array(images.utf8)), available: try row.decode("available"),
                updatedAt: try row.decode("updated_at")),
            version: try row.decode("version"), createdAt: try row.decode("created_at"))
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSON.encode(value), as: UTF8.self)
    }
}

extension String {
    /// With the wildcards of LIKE taken literally.
    fileprivate var escapedForLike: String {
        reduce(into: "") { text, character in
            if character == "%" || character == "_" || character == "\\" { text.append("\\") }
            text.append(character)
        }
    }
}
