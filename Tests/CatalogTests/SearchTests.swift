import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

extension Shop {
    func list(_ parameters: [String: String]) async throws -> ProductPage {
        try await harness.ask(try request("products.list", "", parameters)).decoded()
    }

    /// In the order of the list.
    func search(_ text: String, _ more: [String: String] = [:]) async throws -> [String] {
        try await list(more.merging(["search": text]) { $1 }).items.map(\.sku)
    }

    func suggest(_ text: String) async throws -> [Suggestion] {
        try await harness.ask(try request("products.suggest", "", ["q": text])).decoded(SuggestionList.self).items
    }

    func setSynonyms(_ groups: String, ifMatch: String? = nil) async throws -> Reply {
        var parameters: [String: String] = [:]
        parameters["if-match"] = ifMatch
        return try await harness.send(try request("synonyms.put", #"{"groups": \#(groups)}"#, parameters))
    }

    /// All pages, two products each.
    func pages(_ parameters: [String: String]) async throws -> [String] {
        var skus: [String] = []
        var cursor: String?
        repeat {
            var more = parameters.merging(["limit": "2"]) { $1 }
            more["cursor"] = cursor
            let page = try await list(more)
            skus += page.items.map(\.sku)
            cursor = page.nextCursor
        } while cursor != nil
        return skus
    }
}

@Suite struct `Searching products` {
    @Test(arguments: [
        ("red shoe", ["A"]), ("shoe red", ["A"]), (" shoe  red ", ["A"]), ("SHOE canvas", ["A"]), ("red green", []), ("   ", ["A", "B", "C"]),
        ("100%", ["C"]), ("%", []), ("_", []), (#"\"#, []), ("'", []), ("cafe\u{301}", ["B"]), ("café", ["B"]), ("cafe", ["B"]), ("ＣＡＦＥ", ["B"]), ("sho", ["A"]),
        ("rub", ["A"]), ("strasse", ["B"]), ("Straße", ["B"]), ("blue", ["A"]), ("harb", ["C"]), ("teas", ["C"]), ("c", ["C"]),
    ])
    func `all words match, in any order, case and accent`(search: String, skus: [String]) async throws {
        let shop = try await Shop()
        _ = try await shop.create("A", "Red shoe", more: #", "description": "Canvas.\nRubber sole.", "attributes": {"sole": "blue"}"#)
        _ = try await shop.create("B", "Red mug of the Cafe\\u0301 Straße")
        _ = try await shop.create("C", "Cotton, 100%", more: #", "brand": "Harbour", "category": "teas""#)
        #expect(try await shop.search(search, ["sort": "name"]).sorted() == skus)
        await shop.harness.database.close()
    }

    @Test func `the number of words in a search is bounded`() async throws {
        let shop = try await Shop()
        let words = (0...ListProducts.maximumWords).map { "w\($0)" }
        #expect(throws: Problem.self) { _ = try ListProducts.read(try shop.request("products.list", "", ["search": words.joined(separator: " ")])) }
        #expect(try await shop.search(String(repeating: "茶", count: 200)) == [])
        await shop.harness.database.close()
    }

    @Test func `matches in the name rank before matches elsewhere, and whole words before prefixes`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("D", "Mug", more: #", "description": "For tea.""#)
        _ = try await shop.create("C", "Cup", more: #", "attributes": {"for": "tea"}"#)
        _ = try await shop.create("B", "Pot", more: #", "brand": "Tea""#)
        _ = try await shop.create("A", "Tea")
        _ = try await shop.create("E", "Teapot")
        #expect(try await shop.search("tea") == ["A", "B", "C", "D", "E"])
        await shop.harness.database.close()
    }

    @Test func `the product with the searched SKU or GTIN comes first`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("OTHER", "Tea TEA-1 4006381333931")
        _ = try await shop.create("TEA-1", "Cup")
        _ = try await shop.create("CUP", "Mug", more: #", "attributes": {"GTIN": 4006381333931}"#)
        #expect(try await shop.search("tea-1") == ["TEA-1", "OTHER"])
        #expect(try await shop.search("4006381333931") == ["CUP", "OTHER"])
        await shop.harness.database.close()
    }

    @Test(arguments: ["espreso", "esspresso", "esprexso", "epsresso", "ESPRESO"])
    func `a wrong, missing, surplus or swapped letter is forgiven`(typed: String) async throws {
        let shop = try await Shop()
        _ = try await shop.create("A", "Espresso")
        _ = try await shop.create("B", "Express mail")
        #expect(try await shop.search(typed) == ["A"])
        #expect(try await shop.suggest(typed).map(\.text) == ["Espresso"])
        await shop.harness.database.close()
    }

    @Test func `corrected matches rank below exact ones, and are left out where there are enough of those`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("B", "Deer")
        _ = try await shop.create("A", "Beer")
        #expect(try await shop.search("beer") == ["A", "B"])
        for number in 0..<ProductListing.fewest { _ = try await shop.create("A\(number)", "Beer") }
        #expect(try await !shop.search("beer").contains("B"))
        await shop.harness.database.close()
    }

    @Test func `a word too short to be corrected is dropped when nothing matches all words`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A", "Wine 750 ml")
        _ = try await shop.create("B", "Wine")
        #expect(try await shop.search("wine 750 mk").sorted() == ["A", "B"])
        #expect(try await shop.search("wine 750") == ["A"])
        #expect(try await shop.search("winr 7k0").sorted() == ["A", "B"])
        #expect(try await shop.pages(["search": "winr 7k0"]).sorted() == ["A", "B"])
        #expect(try await shop.search("wine bread") == [])
        #expect(try await shop.search("77 mk") == [])
        await shop.harness.database.close()
    }

    @Test func `synonyms are found by each other`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A", "Sofa, green")
        _ = try await shop.create("B", "Couch, green")
        _ = try await shop.create("C", "Chaise longue")
        #expect(try await shop.search("sofa green") == ["A"])
        let reply = try await shop.setSynonyms(#"[["sofa", "Couch", "chaise longue"], ["tee", "t-shirt"]]"#)
        #expect(reply.status == 200)
        let found = try await shop.search("sofa")
        #expect(found.first == "A")
        #expect(found.sorted() == ["A", "B", "C"])
        #expect(try await shop.search("green couch") == ["B", "A"])
        #expect(try await shop.search("chaise longue").count == 3)
        #expect(try await shop.search("chaise") == ["C"])
        #expect(try await shop.setSynonyms("[]", ifMatch: #""other""#).status == 412)
        #expect(try await shop.setSynonyms("[]", ifMatch: reply.headers["etag"]).status == 200)
        #expect(try await shop.search("sofa") == ["A"])
        for wrong in [#"[["alone"]]"#, #"[["a", ""]]"#, #"[["a", "%"]]"#, #""a""#] { #expect(fields(try await shop.setSynonyms(wrong)) == ["groups"]) }
        await shop.harness.database.close()
    }

    @Test func `matches are marked, and the rest is safe to embed in a page`() async throws {
        let shop = try await Shop()
        let long = String(repeating: "word ", count: 60)
        _ = try await shop.create("A", "Crème <b> & brûlée", more: #", "description": "\#(long) brulee \#(long)""#)
        let highlight = try #require(try await shop.list(["search": "brule"]).items.first?.highlight)
        #expect(highlight.name == "Crème &lt;b&gt; &amp; <em>brûlée</em>")
        #expect(highlight.description?.contains("<em>brulee</em>") == true)
        #expect(highlight.description?.hasPrefix("…") == true)
        #expect(highlight.description?.hasSuffix("…") == true)
        // Swift takes U+0600 and what follows it for one character.
        _ = try await shop.create("B", "Omelette \u{0600}<img src=x> \u{0D4E}<b>")
        let name = try #require(try await shop.list(["search": "omelette"]).items.first?.highlight?.name)
        #expect(name.hasPrefix("<em>Omelette</em>"))
        #expect(name.unicodeScalars.count { $0 == "<" } == 2)
        #expect(try await shop.list(["search": "a"]).items.first?.highlight == nil)
        #expect(try await shop.list([:]).items.first?.highlight == nil)
        await shop.harness.database.close()
    }

    @Test func `suggestions are names with words of that prefix, of categories, brands and products for sale`() async throws {
        let shop = try await Shop()
        _ = try await shop.category("Red shoes")
        let product = try await shop.create("A", "Shoe polish", more: #", "brand": "Shoemaker & Sons", "description": "Shoehorn""#)
        _ = try await shop.create("B", "Shoe polish", more: #", "slug": "polish-b""#)
        #expect(
            try await shop.suggest("sho") == [
                Suggestion(text: "Red shoes", kind: .category, slug: "red-shoes"), Suggestion(text: "Shoemaker & Sons", kind: .brand, slug: "shoemaker-sons"),
                Suggestion(text: "Shoe polish", kind: .product, slug: "polish-b"),
            ])
        #expect(try await shop.suggest("polish sho").map(\.kind) == [.product])
        #expect(try await shop.find(["brand": "shoemaker-sons"]) == ["A"])
        #expect(try await shop.suggest("s").map(\.kind) == [.category, .brand])
        #expect(try await shop.suggest("%") == [])
        _ = try await shop.archive(product.id)
        #expect(try await shop.suggest("shoemaker") == [])
        await shop.harness.database.close()
    }

    @Test func `a changed name is found at once, and a changed price does not touch the search index`() async throws {
        let shop = try await Shop()
        _ = try await shop.category("Tea")
        let product = try await shop.create("A", "Cup", more: #", "category": "tea""#)
        _ = try await shop.move("tea", #"{"name": "Crockery"}"#)
        #expect(try await shop.search("crockery") == ["A"])
        #expect(try await shop.search("tea") == [])
        let before = try await shop.harness.count("SELECT xmin::text::integer FROM product_search")
        _ = try await shop.change(product.id, #"{"price": {"amount": 7}}"#)
        #expect(try await shop.harness.count("SELECT xmin::text::integer FROM product_search") == before)
        _ = try await shop.change(product.id, #"{"name": "Mug"}"#)
        #expect(try await shop.search("mug") == ["A"])
        _ = try await shop.archive(product.id)
        #expect(try await shop.search("mug") == [])
        #expect(try await shop.search("mug", ["archived": "true"]) == ["A"])
        await shop.harness.database.close()
    }
}

@Suite struct `Lists of products` {
    private func filled() async throws -> Shop {
        let shop = try await Shop()
        _ = try await shop.category("Shoes")
        _ = try await shop.category("Boots", in: "shoes")
        for number in 0..<9 {
            let category = ["shoes", "boots", "hats"][number % 3]
            let brand = ["Acme", "ACME", "Zenith"][number % 3]
            let product = try await shop.create(
                "S\(number)", "Walker \(number % 2)",
                more: #", "category": "\#(category)", "brand": "\#(brand)", "attributes": {"size": \#(number % 4).50, "kids": \#(number.isMultiple(of: 2))}"#)
            _ = try await shop.change(product.id, #"{"price": {"amount": \#(100 * (number % 5))}}"#)
            if number < 4 { _ = try await shop.harness.send(try shop.request("stock.set", #"{"onHand": 1}"#, ["sku": "S\(number)"])) }
            shop.harness.clock.advance(by: 1)
        }
        return shop
    }

    @Test func `every filter narrows the list`() async throws {
        let shop = try await filled()
        #expect(try await shop.find(["brand": "acme"]) == ["S0", "S1", "S3", "S4", "S6", "S7"])
        #expect(try await shop.find(["brand": "acme", "category": "boots"]) == ["S1", "S4", "S7"])
        #expect(try await shop.find(["attribute.size": "3.50"]) == ["S3", "S7"])
        #expect(try await shop.find(["attribute.size": "3.5"]) == [])
        #expect(try await shop.find(["attribute.size": "3.50", "attribute.kids": "false"]) == ["S3", "S7"])
        #expect(try await shop.find(["minPrice": "300"]) == ["S3", "S4", "S8"])
        #expect(try await shop.find(["minPrice": "100", "maxPrice": "200", "search": "walker"]) == ["S1", "S2", "S6", "S7"])
        #expect(try await shop.find(["inStock": "true", "category": "shoes"]) == ["S0", "S1", "S3"])
        for wrong in [["minPrice": "2", "maxPrice": "1"], ["inStock": "yes"], ["sort": "best"], ["facets": "colour"], ["minPrice": "-1"]] {
            #expect(throws: Problem.self) { _ = try ListProducts.read(try shop.request("products.list", "", wrong)) }
        }
        await shop.harness.database.close()
    }

    @Test(arguments: [[:], ["search": "walker"], ["search": "wolker"], ["search": "walker", "brand": "acme"], ["category": "shoes", "attribute.kids": "true"], ["inStock": "true"]])
    func `a facet counts the products that its filter returns`(parameters: [String: String]) async throws {
        let shop = try await filled()
        let facets = ["category", "brand", "attribute.size", "attribute.kids"]
        let counted = try #require(try await shop.list(parameters.merging(["facets": facets.joined(separator: ",")]) { $1 }).facets)
        #expect(Set(counted.keys) == Set(facets))
        for (name, values) in counted {
            #expect(!values.isEmpty)
            for value in values {
                #expect(try await shop.find(parameters.merging([name: value.value, "limit": "100"]) { $1 }).count == value.count, "\(name) \(value)")
            }
        }
        #expect(counted["brand"]?.map(\.label) == ["Acme", "Zenith"] || parameters["category"] != nil)
        await shop.harness.database.close()
    }

    @Test(arguments: ListProducts.Sort.allCases, [nil, "walker", "wolker"])
    func `pages show each product once, in the order of the sort`(sort: ListProducts.Sort, search: String?) async throws {
        let shop = try await filled()
        var parameters = ["sort": sort.rawValue]
        parameters["search"] = search
        let whole = try await shop.list(parameters).items.map(\.sku)
        #expect(whole.count == 9)
        #expect(try await shop.pages(parameters) == whole)
        #expect(throws: Problem.self) { _ = try ListProducts.read(try shop.request("products.list", "", parameters.merging(["cursor": "WyJhIl0"]) { $1 })) }
        await shop.harness.database.close()
    }

    @Test func `pages of a search stay consistent when products are added meanwhile`() async throws {
        let shop = try await filled()
        let first = try await shop.list(["search": "wolker", "limit": "4"])
        let cursor = try #require(first.nextCursor)
        for number in 0..<ProductListing.fewest { _ = try await shop.create("W\(number)", "Wolker") }
        let second = try await shop.list(["search": "wolker", "limit": "100", "cursor": cursor])
        #expect(Set((first.items + second.items).map(\.sku)) == Set((0..<9).map { "S\($0)" }))
        await shop.harness.database.close()
    }

    @Test(arguments: [true, false])
    func `a filtered list is the same, gathered or not`(gathers: Bool) async throws {
        let shop = try await filled()
        let list = try ListProducts.read(try shop.request("products.list", "", ["category": "shoes", "sort": "-price", "limit": "3"]))
        let rows = try await shop.harness.database.withConnection { connection in
            try await connection.query(ProductListing(list: list, text: nil, mode: nil, keys: .init(), gathers: gathers).page()).map(ProductStore.read)
        }
        #expect(rows.map(\.view.price.amount) == [400, 300, 200, 100])
        #expect(rows.first?.hits == (gathers ? 6 : nil))
        await shop.harness.database.close()
    }

    @Test(arguments: ListProducts.Sort.allCases)
    func `a search with too many matches is listed without a rank`(sort: ListProducts.Sort) async throws {
        let shop = try await filled()
        let list = try ListProducts.read(try shop.request("products.list", "", ["search": "walker", "sort": sort.rawValue, "facets": "brand", "brand": "zenith"]))
        let (rows, facets) = try await shop.harness.database.withConnection { connection in
            let text = try #require(try await ProductSearch(connection: connection).text("walker"))
            let listing = ProductListing(list: list, text: text, mode: .broad, keys: .init(brand: "zenith"))
            return (try await connection.query(listing.page()).map(ProductStore.read), try await connection.query(listing.values(of: .brand)).count)
        }
        #expect(Set(rows.map(\.view.sku)) == ["S2", "S5", "S8"])
        #expect(facets == 2)
        if sort == .relevance { #expect(rows.map(\.view.sku) == ["S8", "S5", "S2"]) }
        await shop.harness.database.close()
    }
}
