import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

@Suite struct `Relevance` {
    private static let kinds = [
        "smoked", "frozen", "organic", "sliced", "roasted", "pickled", "canned", "dried", "salted", "sweet", "spicy", "fresh", "instant", "ground", "whole", "grilled", "baked",
        "creamy", "crunchy", "vanilla",
    ]
    private static let goods = [
        "salmon", "cheese", "coffee", "bread", "yogurt", "chicken", "tomato", "pasta", "honey", "shampoo", "candle", "pepper", "butter", "almond", "orange", "lemonade", "biscuit",
        "detergent", "mustard", "herring", "spinach", "pancake", "raisin", "sausage", "toothpaste",
    ]

    /// Letters are replaced, left out, put in and swapped, in turn.
    private func misspelt(_ text: String, _ number: Int) -> String {
        var letters = Array(text)
        let place = 1 + number * 7 % (letters.count - 2)
        switch number % 4 {
        case 0: letters[place] = letters[place] == "x" ? "q" : "x"
        case 1: letters.remove(at: place)
        case 2: letters.insert("k", at: place)
        default: letters.swapAt(place, place + 1)
        }
        return String(letters)
    }

    @Test func `of 500 types of products nearly all are found on the first page with one letter wrong`() async throws {
        let shop = try await Shop()
        let types = Self.kinds.flatMap { kind in Self.goods.map { "\(kind) \($0)" } }
        #expect(types.count == 500)
        try await shop.harness.database.withConnection {
            _ = try await $0.execute(
                """
                INSERT INTO products (id, sku, slug, name, description, price, currency, categories, attributes, images, created_at, updated_at)
                SELECT gen_random_uuid(), place || '-' || copy, place || '-' || copy, type || ' no ' || copy, '', 1, 'EUR', ARRAY[type], '{}', '[]', now(), now()
                FROM unnest(\(types)) WITH ORDINALITY AS given (type, place), generate_series(1, 3) AS copy
                """)
        }
        var missed: [String] = []
        for (number, type) in types.enumerated() {
            let typed = misspelt(type, number)
            if try await !shop.list(["search": typed, "limit": "10"]).items.contains(where: { $0.category == type }) { missed.append("\(type): \(typed)") }
        }
        #expect(missed.count <= types.count / 20, "\(missed)")
        await shop.harness.database.close()
    }
}
