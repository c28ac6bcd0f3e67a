import FoundationEssentials
import Input
import Messaging
import PostgreSQL

struct Suggest: Sendable {
    static let standardLimit = 10
    static let maximumLimit = 20

    let text: String
    let limit: Int

    static func read(_ request: Request) throws -> Suggest {
        try Fields.read(request) { fields in
            Suggest(text: fields.parameter("q", 1...100), limit: fields.integerParameter("limit", 1...maximumLimit, default: standardLimit))
        }
    }
}

struct Suggestion: Sendable, Codable, Equatable {
    enum Kind: String, Sendable, Codable {
        case product, category, brand
    }

    let text: String
    let kind: Kind
    /// Of a product or a category; for a brand, the value of a list's `brand` parameter.
    let slug: String
}

struct SuggestionList: Sendable, Codable {
    let items: [Suggestion]
}

/// Completions for a text being typed: names of categories, brands and products that have words with these prefixes.
struct Suggestions: Sendable {
    func suggest(_ items: [IncomingMessage<Suggest>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            outcomes.append(.done(try Reply(json: SuggestionList(items: try await Self.suggestions(item.input, on: connection)))))
        }
        return outcomes
    }

    private static func suggestions(_ input: Suggest, on connection: any SQLConnection) async throws -> [Suggestion] {
        let search = ProductSearch(connection: connection)
        guard let text = try await search.text(input.text), text.hasWords else { return [] }
        let found = try await find(text, input.limit, on: connection)
        if !found.isEmpty { return found }
        let corrected = try await search.corrected(text)
        return corrected == text ? [] : try await find(corrected, input.limit, on: connection)
    }

    /// Of products considered: more are not sorted.
    private static let maximumProducts = 300
    /// Of categories and of brands, to leave room for products.
    private static let maximumGroups = 3

    private static func find(_ text: SearchText, _ limit: Int, on connection: any SQLConnection) async throws -> [Suggestion] {
        let groups = min(limit, maximumGroups)
        let beginning = text.slots.flatMap(\.words).joined(separator: " ")
        let order: SQL = "starts_with(folded, \(beginning)) DESC, char_length(name)"
        var statements: [SQL] = [
            "SELECT name, slug FROM categories WHERE \(condition(text)) ORDER BY \(order), slug LIMIT \(groups)",
            """
            SELECT name, key AS slug FROM (
                SELECT name, key, folded FROM brands WHERE \(condition(text)) ORDER BY \(order), key LIMIT \(groups * brandsForOne)) AS found
            WHERE EXISTS (SELECT FROM products WHERE brand_key = found.key AND NOT archived)
            ORDER BY \(order), key LIMIT \(groups)
            """,
        ]
        // A single letter is a prefix of nearly everything.
        if !text.slots.allSatisfy({ $0.words.allSatisfy { $0.unicodeScalars.count < SearchText.shortestPrefix } }) {
            statements.append(
                """
                SELECT name, slug FROM (
                    SELECT DISTINCT ON (name) name, slug, fold(name) AS folded FROM products
                    WHERE id IN (
                        SELECT product_id FROM product_search
                        WHERE NOT archived AND document @@ (SELECT \(text.all(weight: "A"))::tsquery) LIMIT \(maximumProducts))
                    ORDER BY name, slug
                ) AS found
                ORDER BY \(order), name LIMIT \(limit)
                """)
        }
        let rows = try await connection.pipeline(statements)
        let kinds: [Suggestion.Kind] = [.category, .brand, .product]
        let found = try zip(kinds, rows).flatMap { kind, rows in
            try rows.map { Suggestion(text: try $0.decode("name"), kind: kind, slug: try $0.decode("slug")) }
        }
        return Array(found.prefix(limit))
    }

    /// Brands considered for each one shown: some have no product for sale.
    private static let brandsForOne = 5

    /// Whether `folded` has words with all of the text's prefixes.
    private static func condition(_ text: SearchText) -> SQL {
        text.slots.reduce("true") { condition, slot in
            let alternatives = [slot.words] + slot.synonyms + slot.corrections.map { [$0] }
            let any = alternatives.map { $0.joined(separator: " ") }.reduce("false" as SQL) { $0 + " OR strpos(' ' || folded, \(" " + $1)) > 0" }
            return condition + " AND (\(any))"
        }
    }
}
