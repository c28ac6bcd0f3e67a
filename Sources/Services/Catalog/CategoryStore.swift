import Messaging
import PostgreSQL

enum CategoryStore {
    static func all(on connection: any SQLConnection) async throws -> CategoryShelf {
        let rows = try await connection.query("SELECT slug, name, parent FROM categories ORDER BY slug LIMIT \(Category.maximumCount)")
        return CategoryShelf(
            try rows.map {
                Category(slug: try $0.decode("slug"), name: try $0.decode("name"), parent: try $0.decode("parent"))
            })
    }

    static func insert(_ category: Category, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            "INSERT INTO categories (slug, name, parent) VALUES (\(category.slug), \(category.name), \(category.parent))")
    }

    static func update(_ category: Category, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            "UPDATE categories SET name = \(category.name), parent = \(category.parent) WHERE slug = \(category.slug)")
    }

    /// Archived products do not count: restoring one restores its category.
    static func hasProducts(_ slug: String, on transaction: any SQLConnection) async throws -> Bool {
        try await !transaction.query("SELECT 1 FROM products WHERE categories @> ARRAY[\(slug)] AND NOT archived LIMIT 1").isEmpty
    }

    static func delete(_ slug: String, on transaction: any SQLConnection) async throws {
        try await transaction.execute("DELETE FROM categories WHERE slug = \(slug)")
    }

    /// The category and all inside it, for `= ANY(…)` or `&&`.
    static func inside(_ slug: String) -> SQL {
        """
        ARRAY(
            WITH RECURSIVE inside (slug) AS (
                SELECT \(slug) UNION SELECT categories.slug FROM categories JOIN inside ON categories.parent = inside.slug)
            SELECT slug FROM inside)
        """
    }
}
