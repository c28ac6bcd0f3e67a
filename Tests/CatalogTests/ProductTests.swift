import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct `Slugs` {
    @Test func `products with similar names get unique slugs`() async throws {
        let shop = try await Shop()
        let name = String(repeating: "long ", count: 20) + "names"
        let slugs = [try await shop.create("A", name).slug, try await shop.create("B", name).slug]
        #expect(Set(slugs).count == 2)
        #expect(slugs.allSatisfy { $0.count <= String.maximumSlugLength && $0.isSlug })
        #expect(slugs[1].hasSuffix("-2"))
        await shop.harness.database.close()
    }

    @Test func `products of one name are numbered, then named by their SKUs, in one batch too`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("given", more: #", "slug": "tea-3""#)
        // The last ones have SKUs that read alike.
        let skus = (1...8).map { "S\($0)" } + ["A.1", "a-1", "A_1"]
        let replies = await shop.harness.send(try skus.map { try shop.new($0) } + [try shop.new("T", "Tea 2")])
        let slugs = try replies.map { try $0.reply.decoded(ProductView.self).slug }
        // No product is given by numbering a slug that another product's name yields.
        #expect(slugs.prefix(7) == ["tea", "tea-4", "tea-5", "tea-6", "tea-7", "tea-8", "tea-9"])
        #expect(slugs[7] == "tea-s8" && slugs[8] == "tea-a-1" && slugs[11] == "tea-2")
        #expect(Set(slugs).count == 12)
        for slug in slugs { #expect(try await shop.get(slug).status == 200) }
        #expect(try await shop.create("U").slug == "tea-u")
        await shop.harness.database.close()
    }

    @Test func `no product has a slug whose path is another resource`() async throws {
        let shop = try await Shop()
        #expect(fields(try await shop.harness.send(try shop.new("A", more: #", "slug": "suggestions""#))) == ["slug"])
        let product = try await shop.create("A", "Suggestions")
        #expect(product.slug == "a")
        #expect(fields(try await shop.change(product.id, #"{"slug": "suggestions"}"#)) == ["slug"])
        #expect(try await shop.importing("sku,name,amount,currency\nB,Suggestions,1,EUR\nC,Suggestions,1,EUR\n").accepted == 2)
        #expect(try await [shop.product("B"), shop.product("C")].map(\.slug) == ["b", "c"])
        #expect(try await shop.category("Suggestions").decoded(CategoryView.self).slug == "suggestions")
        await shop.harness.database.close()
    }

    @Test func `an attribute has a name`() async throws {
        let shop = try await Shop()
        #expect(fields(try await shop.harness.send(try shop.new("A", more: #", "attributes": {"": 1}"#))) == ["attributes"])
        let line = #"{"sku": "A", "name": "Tea", "price": {"amount": 1, "currency": "EUR"}, "attributes": {"": "x"}}"#
        #expect(try await shop.importing(line, type: "application/x-ndjson").rejected.map(\.column) == ["attributes"])
        await shop.harness.database.close()
    }

    @Test func `many products of one name at once all get a slug`() async throws {
        let shop = try await Shop()
        let slugs = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 { group.addTask { try await shop.create("S\(number)").slug } }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(Set(slugs).count == 20)
        #expect(Set(slugs).isSuperset(of: ["tea", "tea-2", "tea-9"]))
        await shop.harness.database.close()
    }

    @Test func `an import gives products of one name slugs of their own, and refuses only one that was given`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        let view = try await shop.importing("sku,name,amount,currency,slug\nB,Tea,1,EUR,\nC,Tea,1,EUR,\nD,Tea 2,1,EUR,\nE,Tea,1,EUR,tea\nF,Cup,1,EUR,\nG,Cup,1,EUR,cup\n")
        #expect(view.rejected.map { "\($0.line) \($0.column ?? "")" } == ["5 slug", "7 slug"])
        #expect(try await shop.product("B").slug == "tea-3")
        #expect(try await shop.product("C").slug == "tea-4")
        #expect(try await shop.product("D").slug == "tea-2")
        await shop.harness.database.close()
    }

    @Test(arguments: [
        ("Crème Brûlée", "creme-brulee"), ("Cre\u{300}me", "creme"), ("Große Tasse", "grosse-tasse"), ("Ærø Œuvre", "aero-oeuvre"), ("İstanbul – 茶 5", "istanbul-5"),
    ])
    func `a slug has the letters of the name without their accents`(name: String, slug: String) { #expect(name.slug == slug) }

    @Test(arguments: [("___", "!!!", "product"), ("A.1", "茶", "a-1"), ("A", "6f1c1f0e 5d0a 4a44 9f0e 0f5f7a3a2b10", "a"), ("-", "茶", "product")])
    func `a slug is never empty, nor a UUID`(sku: String, name: String, slug: String) async throws {
        let shop = try await Shop()
        let product = try await shop.create(sku, name)
        #expect(product.slug == slug)
        #expect(try await shop.get(slug).decoded(ProductView.self).id == product.id)
        await shop.harness.database.close()
    }

    @Test func `a requested slug that is taken is a conflict, and the next product of the batch is not affected`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A", more: #", "slug": "tea""#)
        let replies = try await shop.harness.send([try shop.new("B", more: #", "slug": "tea""#), try shop.new("A"), try shop.new("B")]).map { try $0.reply }
        #expect(replies.map(\.status) == [409, 409, 201])
        let other = try replies[2].decoded(ProductView.self)
        #expect(try await shop.change(other.id, #"{"slug": "tea"}"#).status == 409)
        #expect(try await shop.change(other.id, #"{"slug": "tea-b"}"#).status == 200)
        await shop.harness.database.close()
    }

    @Test func `many requests for one slug or SKU at once give one product, conflicts, and no failure`() async throws {
        let shop = try await Shop()
        let others = [try await shop.create("X").id, try await shop.create("Y").id]
        let requests =
            try (0..<6).map { try shop.new("S\($0)", more: #", "slug": "wanted""#) } + (0..<4).map { _ in try shop.new("SAME") }
            + others.map { try shop.request("products.update", #"{"slug": "wanted"}"#, ["idOrSlug": $0.uuidString]) }
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for request in requests { group.addTask { try await shop.harness.send(request).status } }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 409 }.count == 10)
        #expect(statuses.filter { $0 < 300 }.count == 2)
        await shop.harness.database.close()
    }
}

@Suite struct `Archived products` {
    @Test func `an archived product releases its SKU and slug, and can be restored while they are free`() async throws {
        let shop = try await Shop()
        let first = try await shop.create("A")
        #expect(try await shop.archive(first.id).status == 204)
        #expect(try await shop.archive(first.id).status == 404)
        #expect(try await shop.get(first.slug).status == 404)
        let second = try await shop.create("A")
        #expect(second.slug == first.slug)
        #expect(try await shop.change(first.id, #"{"archived": false}"#).status == 409)
        #expect(try await shop.change(first.id, #"{"archived": false, "slug": "other"}"#).status == 409)
        #expect(try await shop.change(first.id, #"{"name": "Coffee"}"#).status == 404)
        #expect(try await shop.change(second.id, #"{"archived": true}"#).decoded(ProductView.self).archived == true)
        let restored = try await shop.change(first.id, #"{"archived": false, "name": "Coffee"}"#)
        #expect(restored.status == 200)
        #expect(try await shop.get(first.slug).decoded(ProductView.self).name == "Coffee")
        #expect(try await shop.find(["archived": "true"]) == ["A"])
        await shop.harness.database.close()
    }

    @Test func `a restored product gets another slug if its own is taken, and a conflict only for one that was asked for`() async throws {
        let shop = try await Shop()
        let first = try await shop.create("A")
        _ = try await shop.archive(first.id)
        #expect(try await shop.create("B").slug == first.slug)
        #expect(try await shop.change(first.id, #"{"archived": false, "slug": "tea"}"#).status == 409)
        #expect(try await shop.change(first.id, #"{"archived": false}"#).decoded(ProductView.self).slug == "tea-2")
        await shop.harness.database.close()
    }

    @Test func `a product of a previously sold SKU shows the existing stock`() async throws {
        let shop = try await Shop()
        let first = try await shop.create("A")
        _ = try await shop.harness.send(try shop.request("stock.set", #"{"onHand": 7}"#, ["sku": "A"]))
        _ = try await shop.archive(first.id)
        #expect(try await shop.create("A").available == 7)
        await shop.harness.database.close()
    }

    @Test func `only administrators list archived products`() async throws {
        let shop = try await Shop()
        let customer = Caller(id: UUID(), role: .customer)
        #expect(try await shop.harness.ask(try shop.request("products.list", "", ["archived": "true"], caller: customer)).status == 403)
        await shop.harness.database.close()
    }
}

@Suite struct `Merge patches` {
    @Test func `null clears optional fields`() async throws {
        let shop = try await Shop()
        let product = try await shop.create(
            "A", more: #", "category": "teas", "description": "Green.", "attributes": {"size": 1}, "images": ["/a.jpg"]"#)
        let reply = try await shop.change(product.id, #"{"category": null, "description": null, "attributes": null, "images": null}"#)
        let cleared = try reply.decoded(ProductView.self)
        #expect(cleared.category == nil)
        #expect(cleared.description == "")
        #expect(cleared.attributes == [:])
        #expect(cleared.images == [])
        await shop.harness.database.close()
    }

    @Test(arguments: ["sku", "slug", "name", "price", "archived"])
    func `null for a required field is rejected, naming it`(field: String) async throws {
        let shop = try await Shop()
        let product = try await shop.create("A")
        let reply = try await shop.change(product.id, #"{"\#(field)": null, "category": "teas"}"#)
        #expect(reply.status == 422)
        #expect(fields(reply) == [field])
        #expect(try await shop.get(product.slug).decoded(ProductView.self).category == nil)
        await shop.harness.database.close()
    }

    @Test func `objects are merged, and the merged result must be valid`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: #", "attributes": {"colour": "red", "size": 42}"#)
        let merged = try await shop.change(product.id, #"{"attributes": {"colour": null, "brand": "Z"}, "price": {"amount": 1234}}"#)
        #expect(try merged.decoded(ProductView.self).attributes == ["size": .number(42), "brand": .text("Z")])
        #expect(try merged.decoded(ProductView.self).price == Money(amount: 1234, currency: "EUR"))
        #expect(fields(try await shop.change(product.id, #"{"price": {"currency": "KWD"}}"#)) == ["price.amount"])
        #expect(fields(try await shop.change(product.id, #"{"price": {"currency": "ABC"}}"#)) == ["price.currency"])
        #expect(fields(try await shop.change(product.id, #"{"price": {"amount": null}}"#)) == ["price.amount"])
        #expect(try await shop.change(product.id, #"{"price": {"amount": 1230, "currency": "KWD"}}"#).status == 200)
        let filler = String(repeating: "x", count: 10_000)
        #expect(try await shop.change(product.id, #"{"attributes": {"a": "\#(filler)"}}"#).status == 200)
        #expect(fields(try await shop.change(product.id, #"{"attributes": {"b": "\#(filler)"}}"#)) == ["attributes"])
        await shop.harness.database.close()
    }

    @Test func `attributes keep the text of their numbers`() async throws {
        let shop = try await Shop()
        let attributes = #"{"big":1546130668394913822,"money":0.10,"tiny":1e-400,"zero":-0}"#
        let product = try await shop.create("A", more: #", "attributes": \#(attributes)"#)
        let shown = try await shop.get(product.slug)
        #expect(String(decoding: shown.body, as: UTF8.self).contains(#""attributes":\#(attributes)"#))
        _ = try await shop.change(product.id, #"{"name": "Other"}"#)
        #expect(String(decoding: try await shop.get(product.slug).body, as: UTF8.self).contains(#""attributes":\#(attributes)"#))
        for wrong in ["1e99999", #""\u001b""#] {
            #expect(fields(try await shop.change(product.id, #"{"attributes": {"a": \#(wrong)}}"#)) == ["attributes"])
        }
        await shop.harness.database.close()
    }

    @Test(arguments: [".", "..", "a b", "a/b", "é"])
    func `a SKU that cannot be part of a path is rejected`(sku: String) async throws {
        let shop = try await Shop()
        let reply = try await shop.harness.send(try shop.new(sku))
        #expect(reply.status == 422)
        #expect(fields(reply) == ["sku"])
        await shop.harness.database.close()
    }
}

@Suite struct `Entity tags of the catalog` {
    private func stock(_ shop: Shop, _ operation: String, _ body: String = "", ifMatch: String? = nil) throws -> Request {
        var parameters = ["sku": "A"]
        parameters["if-match"] = ifMatch
        return try shop.request("stock.\(operation)", body, parameters)
    }

    @Test func `a sale changes the tag of the stock alone, and does not invalidate an administrator's change`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A")
        let harness = shop.harness
        #expect(try await harness.send(try stock(shop, "set", #"{"onHand": 10}"#)).headers["etag"] != nil)
        let before = (try await shop.get(product.slug).headers["etag"], try await harness.ask(try stock(shop, "get")).headers["etag"])
        let step = ReserveStock(orderID: UUID(), lines: [.init(sku: "A", quantity: 3)])
        _ = await harness.send([try Request(MessageName.reserve, sending: step)])
        let after = (try await shop.get(product.slug).headers["etag"], try await harness.ask(try stock(shop, "get")).headers["etag"])
        #expect(before.0 == after.0)
        #expect(before.1 != after.1)
        #expect(try await shop.change(product.id, #"{"name": "Other"}"#, ifMatch: before.0).status == 200)
        #expect(try await harness.send(try stock(shop, "set", #"{"onHand": 12}"#, ifMatch: before.1)).status == 200)
        #expect(try await shop.change(product.id, #"{"name": "Another"}"#, ifMatch: before.0).status == 412)
        #expect(try await harness.send(try stock(shop, "set", #"{"onHand": 13}"#, ifMatch: before.1)).status == 412)
        #expect(try await harness.send(try stock(shop, "adjust", #"{"delta": 1, "reason": "found"}"#, ifMatch: before.1)).status == 412)
        #expect(try await harness.send(try stock(shop, "adjust", #"{"delta": 1, "reason": "found"}"#, ifMatch: "*")).status == 200)
        await harness.database.close()
    }

    @Test(arguments: [(#""5-23""#, true), (#""5-99""#, true), ("*", true), (#""4-23", "5-1""#, true), (#""50-23""#, false), (#"W/"5-23""#, false), (#""5""#, true), (#""55""#, false), ("5-23", false)])
    func `a change may use any tag of the version`(field: String, matches: Bool) {
        #expect(EntityTags(field).match(version: 5) == matches)
    }
}
