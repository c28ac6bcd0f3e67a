import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import JSON
@testable import Messaging
@testable import ServiceKit

extension Shop {
    func category(_ name: String, slug: String? = nil, in parent: String? = nil) async throws -> Reply {
        let fields = ["name": name, "slug": slug, "parent": parent].compactMapValues(\.self)
        return try await harness.send(try request("categories.create", String(decoding: try JSON.encode(fields), as: UTF8.self)))
    }

    func move(_ slug: String, _ body: String) async throws -> Reply {
        try await harness.send(try request("categories.update", body, ["slug": slug]))
    }

    func remove(_ slug: String) async throws -> Reply {
        try await harness.send(try request("categories.delete", "", ["slug": slug]))
    }

    func tree() async throws -> [CategoryView] {
        try await harness.ask(try request("categories.list")).decoded(CategoryTree.self).items
    }
}

@Suite struct `The tree of categories` {
    @Test func `the tag of a category changes with what is in it`() async throws {
        let shop = try await Shop()
        _ = try await shop.category("Shoes")
        let request = try shop.request("categories.get", "", ["slug": "shoes"])
        let first = try await shop.harness.ask(request).headers["etag"]
        #expect(try await shop.harness.ask(request).headers["etag"] == first && first != nil)
        _ = try await shop.category("Boots", in: "shoes")
        #expect(try await shop.harness.ask(request).headers["etag"] != first)
        await shop.harness.database.close()
    }

    @Test func `a change or deletion with an outdated tag is refused`() async throws {
        let shop = try await Shop()
        let created = try await shop.category("Shoes")
        let tag = try #require(created.headers["etag"])
        _ = try await shop.category("Boots", in: "shoes")
        for operation in ["update", "delete"] {
            let request = try shop.request("categories.\(operation)", operation == "update" ? #"{"name": "Footwear"}"# : "", ["slug": "shoes", "if-match": tag])
            #expect(try await shop.harness.send(request).status == 412)
        }
        let now = try #require(try await shop.harness.ask(try shop.request("categories.get", "", ["slug": "shoes"])).headers["etag"])
        let changed = try await shop.harness.send(try shop.request("categories.update", #"{"name": "Footwear"}"#, ["slug": "shoes", "if-match": "\"x\", \(now)"]))
        #expect(changed.status == 200)
        #expect(try await shop.harness.ask(try shop.request("categories.get", "", ["slug": "shoes"])).headers["etag"] == changed.headers["etag"])
        #expect(try await shop.harness.send(try shop.request("categories.delete", "", ["slug": "boots", "if-match": "*"])).status == 204)
        await shop.harness.database.close()
    }

    @Test func `categories nest, sorted by name, with unique slugs`() async throws {
        let shop = try await Shop()
        #expect(try await shop.category("Shoes").status == 201)
        #expect(try await shop.category("Women", in: "shoes").decoded(CategoryView.self).slug == "women")
        let boots = try await shop.category("Boots", in: "shoes")
        #expect(boots.headers["location"] == "/v1/categories/boots")
        #expect(try await shop.category("Boots", in: "women").decoded(CategoryView.self).slug == "boots-2")
        #expect(try await shop.category("Boots", in: "women").decoded(CategoryView.self).slug == "boots-3")
        #expect(try await shop.category("Boots", slug: "boots").status == 409)
        #expect(fields(try await shop.category("Hats", in: "nowhere")) == ["parent"])
        #expect(fields(try await shop.category("Hats", slug: "Hats!")) == ["slug"])
        let tree = try await shop.tree()
        #expect(tree.map(\.slug) == ["shoes"])
        #expect(tree[0].children.map(\.slug) == ["boots", "women"])
        #expect(tree[0].children[1].children.map(\.slug) == ["boots-2", "boots-3"])
        #expect(try await shop.harness.ask(try shop.request("categories.get", "", ["slug": "women"])).decoded(CategoryView.self).parent == "shoes")
        await shop.harness.database.close()
    }

    @Test func `no move creates a cycle`() async throws {
        let shop = try await Shop()
        for (name, parent) in [("a", nil), ("b", "a"), ("c", "b")] as [(String, String?)] { _ = try await shop.category(name, in: parent) }
        for parent in ["a", "b", "c"] {
            #expect(try await shop.move("a", #"{"parent": "\#(parent)"}"#).problem?.type.hasSuffix("category-circle") == true)
        }
        #expect(try await shop.move("c", #"{"parent": "a"}"#).status == 200)
        #expect(try await shop.move("b", #"{"parent": "c"}"#).status == 200)
        #expect(try await shop.move("c", #"{"parent": "b"}"#).status == 409)
        #expect(try await shop.move("b", #"{"parent": null, "name": "B"}"#).decoded(CategoryView.self).parent == nil)
        #expect(fields(try await shop.move("b", #"{"name": null}"#)) == ["name"])
        #expect(try await shop.move("none", #"{"name": "N"}"#).status == 404)
        await shop.harness.database.close()
    }

    @Test func `opposite moves in one batch create no cycle either`() async throws {
        let shop = try await Shop()
        for name in ["a", "b"] { _ = try await shop.category(name) }
        let replies = try await shop.harness.send([
            try shop.request("categories.update", #"{"parent": "b"}"#, ["slug": "a"]), try shop.request("categories.update", #"{"parent": "a"}"#, ["slug": "b"]),
        ]).map { try $0.reply.status }
        #expect(replies == [200, 409])
        await shop.harness.database.close()
    }

    @Test func `a category can be deleted when nothing is in it`() async throws {
        let shop = try await Shop()
        _ = try await shop.category("Tea")
        _ = try await shop.category("Green", in: "tea")
        #expect(try await shop.remove("tea").problem?.type.hasSuffix("category-in-use") == true)
        let product = try await shop.create("A", more: #", "category": "green""#)
        #expect(try await shop.remove("green").status == 409)
        _ = try await shop.archive(product.id)
        #expect(try await shop.remove("green").status == 204)
        #expect(try await shop.remove("green").status == 404)
        #expect(try await shop.remove("tea").status == 204)
        // It brings its category along.
        #expect(try await shop.change(product.id, #"{"archived": false}"#).decoded(ProductView.self).category == "green")
        #expect(try await shop.tree().map(\.slug) == ["green"])
        await shop.harness.database.close()
    }

    @Test func `the slug of a category is never empty`() async throws {
        let shop = try await Shop()
        #expect(try await shop.category("茶").decoded(CategoryView.self).slug == "category")
        #expect(try await shop.category("酒").decoded(CategoryView.self).slug == "category-2")
        await shop.harness.database.close()
    }
}

@Suite struct `Products in categories` {
    @Test func `a category shows the products of those inside it`() async throws {
        let shop = try await Shop()
        _ = try await shop.category("Shoes")
        _ = try await shop.category("Boots", in: "shoes")
        _ = try await shop.create("A", more: #", "category": "boots""#)
        _ = try await shop.create("B", more: #", "categories": ["sale", "shoes"]"#)
        #expect(try await shop.find(["category": "shoes"]) == ["A", "B"])
        #expect(try await shop.find(["category": "boots"]) == ["A"])
        #expect(try await shop.find(["category": "sale"]) == ["B"])
        #expect(try await shop.find(["category": "hats"]) == [])
        _ = try await shop.move("boots", #"{"parent": null}"#)
        #expect(try await shop.find(["category": "shoes"]) == ["B"])
        await shop.harness.database.close()
    }

    @Test func `the main category is the first of all, and a missing one is created`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: #", "category": "FRZN ICE", "categories": ["sale", "FRZN ICE"], "brand": "Acme""#)
        #expect(product.category == "FRZN ICE")
        #expect(product.categories == ["FRZN ICE", "sale"])
        #expect(product.brand == "Acme")
        #expect(try await shop.tree().map(\.name) == ["FRZN ICE", "sale"])
        await shop.harness.database.close()
    }

    @Test(arguments: [
        (#"{"category": "c"}"#, ["c", "b"]), (#"{"category": "b"}"#, ["b", "a"]), (#"{"category": null}"#, []), (#"{"categories": ["b", "a"]}"#, ["a", "b"]),
        (#"{"categories": ["b", "c"]}"#, ["b", "c"]), (#"{"categories": null}"#, []), (#"{"category": "c", "categories": ["a"]}"#, ["c", "a"]), (#"{"name": "N"}"#, ["a", "b"]),
    ])
    func `a change of categories keeps the main one first`(change: String, categories: [String]) async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: #", "categories": ["a", "b"]"#)
        let changed = try await shop.change(product.id, change).decoded(ProductView.self)
        #expect(changed.categories == categories)
        #expect(changed.category == categories.first)
        await shop.harness.database.close()
    }

    @Test func `a product written by a worker of the previous version has its category, too`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: #", "categories": ["a", "b"]"#)
        try await shop.harness.database.withConnection { _ = try await $0.execute("UPDATE products SET category = 'c'") }
        #expect(try await shop.get(product.slug).decoded(ProductView.self).categories == ["c", "b"])
        try await shop.harness.database.withConnection { _ = try await $0.execute("UPDATE products SET category = NULL") }
        #expect(try await shop.get(product.slug).decoded(ProductView.self).categories == [])
        await shop.harness.database.close()
    }

    @Test func `images have texts, in their order of upload`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: #", "images": [{"url": "https://a.example/b.jpg", "alt": "Side"}, "/a.jpg"]"#)
        #expect(product.images == [Image(url: "https://a.example/b.jpg", alt: "Side"), Image(url: "/a.jpg")])
        // As a worker of the previous version would write and read it.
        #expect(try await shop.harness.count("SELECT count(*) FROM products WHERE images->1 = '\"/a.jpg\"'") == 1)
        #expect(try await shop.get(product.slug).decoded(ProductView.self).images == product.images)
        for wrong in [#"["ftp://a"]"#, #"[{"url": "/a", "alt": "\u0007"}]"#, #"[{"alt": "a"}]"#, "[1]"] {
            #expect(fields(try await shop.change(product.id, #"{"images": \#(wrong)}"#)) == ["images"])
        }
        await shop.harness.database.close()
    }
}
