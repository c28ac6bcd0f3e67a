import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// One list of products as a statement: a search, if there is one, a filter, a sort.
struct ProductListing: Sendable {
    /// Beyond this many matches nothing is ranked: reading the ranks of all would take too long, and mean little.
    static let maximumRanked = 10_000
    /// The filtered products are collected and sorted up to this number; of more, walking them in the order of the list fills the page quickly.
    static let maximumGathered = 2_000
    /// When a search finds fewer, words that differ in one letter match, too.
    static let fewest = 10

    let list: ListProducts
    let text: SearchText?
    let mode: SearchMode?
    /// The filter's brand and attributes in their indexed form.
    let keys: Keys
    /// There is no search, and the filtered products are collected.
    var gathers = false

    struct Keys: Sendable {
        var brand: String?
        /// Lexemes.
        var attributes: [String] = []
    }

    // MARK: - Matches

    /// The products that the search finds, each with its score: four tiers, and within each the rank by the matching field.
    private var hits: SQL? {
        if gathers { return "SELECT products.id AS product_id, 0 AS score FROM products WHERE true\(conditions()) LIMIT \(Self.maximumGathered + 1)" }
        guard let text, let mode, mode != .broad else { return nil }
        let match = text.match(mode == .plain ? text.wide : text.all())
        let exact = text.hasWords ? text.exact : text.codeQuery
        let wide = text.hasWords ? text.wide : text.codeQuery
        return """
            SELECT product_id,
                   CASE WHEN document @@ (SELECT \(text.codeQuery)::tsquery) THEN 3
                        WHEN document @@ (SELECT \(exact)::tsquery) THEN 2
                        WHEN document @@ (SELECT \(wide)::tsquery) THEN 1 ELSE 0 END * 1000000
                   + (ts_rank(document, (SELECT \(match)::tsquery), 1) * 999999)::integer AS score
            FROM product_search
            WHERE document @@ (SELECT \(match)::tsquery) AND archived = \(list.filter.archived)
            LIMIT \(Self.maximumRanked + 1)
            """
    }

    /// The beginning of `WITH`, and the `FROM` of the matches, before the filter. A search with too many matches to rank is tested on each product in the
    /// order of the list, where the page fills quickly.
    private func found(walking: Bool = false) -> (with: SQL, from: SQL) {
        if let hits { return ("hits AS MATERIALIZED (\(hits)), ", "hits JOIN products ON products.id = hits.product_id WHERE true") }
        guard let text, mode == .broad else { return ("", "products WHERE true") }
        let match: SQL = "(SELECT \(text.match(text.wide))::tsquery)"
        let condition: SQL =
            walking
            ? "(SELECT document @@ \(match) FROM product_search WHERE product_id = products.id)"
            : "products.id IN (SELECT product_id FROM product_search WHERE document @@ \(match))"
        return ("", "products WHERE \(condition)")
    }

    /// The conditions, each preceded by `AND`; `facet` names the one to leave out.
    private func conditions(without facet: Facet? = nil) -> SQL {
        let filter = list.filter
        var sql: SQL = filter.archived ? " AND archived" : " AND NOT archived"
        if let category = filter.category, facet != .category { sql += " AND categories && \(CategoryStore.inside(category))" }
        if let brand = keys.brand, facet != .brand { sql += " AND brand_key = \(brand)" }
        if let prices = filter.prices { sql += " AND price BETWEEN \(prices.lowerBound) AND \(prices.upperBound)" }
        if filter.inStock {
            sql += """
                 AND CASE WHEN has_variants
                     THEN EXISTS (SELECT FROM variants JOIN stock USING (sku) WHERE product_id = products.id AND on_hand > reserved)
                     ELSE EXISTS (SELECT FROM stock WHERE stock.sku = products.sku AND on_hand > reserved) END
                """
        }
        let tags = zip(filter.attributes, keys.attributes).filter { attribute, _ in facet != .attribute(attribute.name) }.map { SearchText.quoted($0.1) }
        if !tags.isEmpty {
            let query = tags.joined(separator: " & ")
            sql += " AND products.id IN (SELECT product_id FROM product_search WHERE document @@ (SELECT \(query)::tsquery))"
        }
        return sql
    }

    // MARK: - Statements

    /// The page, one row more than it holds if there are more, each with the number of products that the search has found.
    func page() -> SQL {
        let (with, from) = found(walking: true)
        let (score, count): (SQL, SQL) = hits == nil ? ("NULL::integer", "NULL::bigint") : ("score", "(SELECT count(*) FROM hits)")
        return """
            WITH \(with)page AS (
                SELECT products.id, \(score) AS score FROM \(from)\(conditions())\(after)
                ORDER BY \(order) LIMIT \(list.page.limit + 1))
            \(ProductStore.columns), page.score, \(count) AS hits
            FROM page JOIN products USING (id) \(ProductStore.availability)
            ORDER BY \(order)
            """
    }

    /// How many products the search finds before filtering; up to the number that is ranked.
    func count() -> SQL {
        guard let hits else { return "SELECT 0::bigint AS hits" }
        return "SELECT count(*) AS hits FROM (\(hits)) AS hits"
    }

    /// The values of a facet with the number of products that the list would have with it in the filter, most frequent first.
    func values(of facet: Facet) -> SQL {
        let (with, from) = found()
        let source = from + conditions(without: facet)
        let counted: SQL =
            switch facet {
            case .brand:
                """
                SELECT brands.name AS value, brands.name AS label, counted.count
                FROM (SELECT brand_key, count(*) AS count FROM \(source) AND brand IS NOT NULL GROUP BY brand_key) AS counted
                JOIN brands ON brands.key = brand_key
                """
            case .attribute(let name):
                """
                SELECT value, value AS label, count(DISTINCT id) AS count
                FROM (
                    SELECT products.id, attributes->>\(name) AS value FROM \(source)
                    UNION ALL
                    SELECT product_id, options->>\(name) FROM variants
                    WHERE product_id IN (SELECT products.id FROM \(source) AND has_variants)
                ) AS given
                WHERE value IS NOT NULL GROUP BY value
                """
            case .category:
                """
                SELECT above.slug AS value, categories.name AS label, count(DISTINCT product) AS count
                FROM (SELECT products.id AS product, unnest(products.categories) AS slug FROM \(source)) AS placed
                JOIN (
                    WITH RECURSIVE above (inner_slug, slug) AS (
                        SELECT slug, slug FROM categories
                        UNION SELECT inner_slug, parent FROM above JOIN categories USING (slug) WHERE parent IS NOT NULL)
                    SELECT inner_slug, slug FROM above
                ) AS above ON inner_slug = placed.slug
                JOIN categories ON categories.slug = above.slug
                GROUP BY above.slug, categories.name
                """
            }
        return "WITH \(with)counts AS (\(counted)) SELECT value, label, count FROM counts ORDER BY count DESC, value LIMIT \(Facet.maximumValues)"
    }

    // MARK: - The order

    private var order: SQL {
        switch list.sort {
        case .name: "name, id"
        case .nameDescending: "name DESC, id DESC"
        case .price: "price, id"
        case .priceDescending: "price DESC, id DESC"
        case .relevance where mode != .broad: "score DESC, id DESC"
        case .newest, .relevance: "created_at DESC, id DESC"
        }
    }

    private var after: SQL {
        guard let cursor = list.page.after.flatMap({ ProductCursor($0, of: list) }) else { return "" }
        let number = Int(cursor.key) ?? 0
        switch list.sort {
        case .name: return " AND (name, products.id) > (\(cursor.key), \(cursor.id))"
        case .nameDescending: return " AND (name, products.id) < (\(cursor.key), \(cursor.id))"
        case .price: return " AND (price, products.id) > (\(number), \(cursor.id))"
        case .priceDescending: return " AND (price, products.id) < (\(number), \(cursor.id))"
        case .relevance where mode != .broad: return " AND (score, products.id) < (\(number), \(cursor.id))"
        case .newest, .relevance:
            return " AND (created_at, products.id) < (\(Date(timeIntervalSince1970: Double(cursor.key) ?? 0)), \(cursor.id))"
        }
    }
}
