import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

struct ProductRow: Sendable {
    let view: ProductView
    let version: Int
    let createdAt: Date

    /// Of what administrators change. A sale leaves it: stock has its own.
    var etag: String { "\"\(version)\"" }
}

enum ProductStore {
    /// One batch changes products after another: administrators do so rarely, and SKUs and slugs that are free then stay so until the batch commits.
    static func lock(on transaction: any SQLConnection) async throws {
        try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('catalog.products', 0))")
    }

    private static let columns: SQL = """
        SELECT id, sku, slug, name, description, brand, price, currency, categories, attributes::text AS attributes, images::text AS images,
               archived, version, created_at, updated_at, coalesce(on_hand - reserved, 0) AS available
        FROM products LEFT JOIN stock USING (sku)

        """

    /// Those that are for sale, by id or by slug.
    static func find(_ keys: [String], on connection: any SQLConnection) async throws -> [ProductRow] {
        let ids = keys.compactMap(UUID.init(uuidString:))
        return try await connection.query(
            columns + "WHERE (id = ANY(\(ids)) OR slug = ANY(\(keys))) AND NOT archived").map(read)
    }

    static func list(_ list: ListProducts, on connection: any SQLConnection) async throws -> [ProductRow] {
        var sql = columns + (list.archived ? "WHERE archived" : "WHERE NOT archived")
        if let category = list.category { sql = sql + " AND categories && \(CategoryStore.inside(category))" }
        for word in list.words.sorted() {
            let pattern = "%\(word.escapedForLike)%"
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

    /// Which of these are the SKUs and slugs of products that are for sale. What is archived holds neither.
    static func taken(
        skus: [String], slugs: [String], on transaction: any SQLConnection
    ) async throws -> (skus: Set<String>, slugs: Set<String>) {
        let rows = try await transaction.query(
            "SELECT sku, slug FROM products WHERE NOT archived AND (sku = ANY(\(skus)) OR slug = ANY(\(slugs)))")
        return (try Set(rows.map { try $0.decode("sku") }), try Set(rows.map { try $0.decode("slug") }))
    }

    /// The products as they are then; one whose SKU or slug is taken is left out.
    static func insert(
        _ products: [(id: UUID, slug: String, product: NewProduct)], now: Date, on transaction: any SQLConnection
    ) async throws -> [UUID: ProductRow] {
        let new = products.map(\.product)
        let ids = products.map(\.id)
        let rows = try await transaction.pipeline([
            """
            INSERT INTO products (id, sku, slug, name, description, brand, price, currency, categories, attributes, images, created_at, updated_at)
            SELECT id, sku, slug, name, description, brand, price, currency, ARRAY(SELECT json_array_elements_text(categories::json)), attributes::json,
                   images::jsonb, \(now), \(now)
            FROM unnest(
                \(ids), \(new.map(\.sku)), \(products.map(\.slug)), \(new.map(\.name)), \(new.map(\.description)),
                \(new.map(\.brand)), \(new.map(\.price.amount)), \(new.map(\.price.currency)), \(try new.map { try text($0.categories) }),
                \(try new.map { try text($0.attributes) }), \(try new.map { try text($0.images) })
            ) AS new (id, sku, slug, name, description, brand, price, currency, categories, attributes, images)
            ON CONFLICT DO NOTHING
            """,
            "INSERT INTO stock (sku) SELECT sku FROM products WHERE id = ANY(\(ids)) ON CONFLICT DO NOTHING",
            columns + "WHERE id = ANY(\(ids))",
        ])
        return try Dictionary(rows[2].map(read).map { ($0.view.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether or not it is archived.
    static func find(_ id: UUID, on transaction: any SQLConnection) async throws -> ProductRow? {
        try await transaction.query(columns + "WHERE id = \(id)").first.map(read)
    }

    static func update(_ id: UUID, to new: ProductFields, now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            UPDATE products
            SET slug = \(new.slug), name = \(new.name), description = \(new.description), brand = \(new.brand), price = \(new.price.amount),
                currency = \(new.price.currency), categories = \(new.categories), attributes = \(try text(new.attributes))::text::json,
                images = \(try text(new.images))::text::jsonb, archived = \(new.archived), version = version + 1, updated_at = \(now)
            WHERE id = \(id)
            """)
    }

    private static func read(_ row: Row) throws -> ProductRow {
        let categories: [String] = try row.decode("categories")
        let attributes: String = try row.decode("attributes")
        let images: String = try row.decode("images")
        return ProductRow(
            view: ProductView(
                id: try row.decode("id"), sku: try row.decode("sku"), slug: try row.decode("slug"),
                name: try row.decode("name"), description: try row.decode("description"),
                brand: try row.decode("brand"),
                price: Money(amount: try row.decode("price"), currency: try row.decode("currency")),
                category: categories.first, categories: categories, attributes: try JSON.decode(from: Array(attributes.utf8)),
                images: try JSON.decode(from: Array(images.utf8)), available: try row.decode("available"),
                archived: try row.decode("archived") ? true : nil, updatedAt: try row.decode("updated_at")),
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
