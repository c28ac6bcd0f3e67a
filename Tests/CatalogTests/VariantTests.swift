import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct `Variants` {
    private static let two =
        #", "variants": [{"sku": "A-S", "options": {"size": "small", "colour": "red"}}, {"sku": "A-L", "options": {"size": "large", "colour": "red"}, "price": {"amount": 120, "currency": "EUR"}}]"#

    private func prices(_ shop: Shop, _ skus: [String], availability: Bool = false) async throws -> [PriceList.Entry] {
        let query = try Request(MessageName.price, sending: PriceQuery(skus: skus, availability: availability))
        return try await shop.harness.ask(query).decoded(PriceList.self).items
    }

    private func stock(_ shop: Shop, _ sku: String, _ onHand: Int) async throws -> Int {
        try await shop.harness.send(try shop.request("stock.set", #"{"onHand": \#(onHand)}"#, ["sku": sku])).status
    }

    @Test func `each variant has a price and a stock of its own, and is the unit of sale`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", "Shirt", more: Self.two + #", "images": ["/a.jpg"]"#)
        #expect(product.variants?.map(\.sku) == ["A-S", "A-L"])
        #expect(product.variants?.map(\.price.amount) == [100, 120])
        #expect(try await [stock(shop, "A-S", 2), stock(shop, "A-L", 3)] == [200, 200])
        let shown = try await shop.get(product.slug).decoded(ProductView.self)
        #expect(shown.variants?.map(\.available) == [2, 3])
        #expect(shown.available == 5)
        let sold = try await prices(shop, ["A", "A-L", "A-S", "B"], availability: true)
        #expect(sold.map(\.sku) == ["A-L", "A-S"])
        #expect(sold.map(\.name) == ["Shirt (red, large)", "Shirt (red, small)"])
        #expect(sold.map(\.price.amount) == [120, 100])
        #expect(sold.map(\.available) == [3, 2])
        #expect(sold.map(\.slug) == [product.slug, product.slug])
        #expect(sold.first?.image?.url == "/a.jpg")
        let step = ReserveStock(orderID: UUID(), lines: [.init(sku: "A-S", quantity: 2)])
        _ = await shop.harness.send([try Request(MessageName.reserve, sending: step)])
        #expect(try await shop.get(product.slug).decoded(ProductView.self).variants?.map(\.available) == [0, 3])
        await shop.harness.database.close()
    }

    @Test func `a product is found by its variants`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A", "Shirt", more: Self.two)
        _ = try await shop.create("B", "Shirt", more: #", "attributes": {"size": "small"}"#)
        #expect(try await shop.search("a-l").first == "A")
        #expect(try await shop.search("shirt large") == ["A"])
        #expect(try await shop.find(["attribute.size": "small"]) == ["A", "B"])
        #expect(try await shop.find(["attribute.size": "large"]) == ["A"])
        let sizes = try await shop.list(["facets": "attribute.size"]).facets?["attribute.size"] ?? []
        #expect(sizes == [FacetValue(value: "small", label: "small", count: 2), FacetValue(value: "large", label: "large", count: 1)])
        #expect(try await shop.find(["inStock": "true"]) == [])
        _ = try await stock(shop, "A", 1)
        #expect(try await shop.find(["inStock": "true"]) == [])
        _ = try await stock(shop, "A-L", 1)
        #expect(try await shop.find(["inStock": "true"]) == ["A"])
        await shop.harness.database.close()
    }

    @Test func `a change replaces all variants, and a SKU belongs to one product or variant`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: Self.two)
        #expect(try await shop.harness.send(try shop.new("A-S")).status == 409)
        #expect(try await shop.harness.send(try shop.new("B", more: Self.two)).status == 409)
        let other = try await shop.create("B")
        #expect(try await shop.change(product.id, #"{"variants": [{"sku": "B", "options": {"size": "s"}}]}"#).status == 409)
        let changed = try await shop.change(product.id, #"{"variants": [{"sku": "A-L", "options": {"size": "l"}}, {"sku": "A-M", "options": {"size": "m"}}]}"#)
        #expect(try changed.decoded(ProductView.self).variants?.map(\.sku) == ["A-L", "A-M"])
        #expect(try await shop.harness.send(try shop.new("A-S")).status == 201)
        #expect(try await shop.change(product.id, #"{"variants": null}"#).decoded(ProductView.self).variants == nil)
        #expect(try await prices(shop, ["A", "A-L"]).map(\.sku) == ["A"])
        #expect(try await shop.change(other.id, #"{"variants": [{"sku": "A-L", "options": {"size": "l"}}]}"#).status == 200)
        await shop.harness.database.close()
    }

    @Test func `variants are archived with their product, and restored when their SKUs are free`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A", more: Self.two)
        _ = try await shop.archive(product.id)
        #expect(try await prices(shop, ["A-S"]).isEmpty)
        let other = try await shop.create("A-S")
        #expect(try await shop.change(product.id, #"{"archived": false}"#).status == 409)
        _ = try await shop.archive(other.id)
        #expect(try await shop.change(product.id, #"{"archived": false}"#).status == 200)
        #expect(try await prices(shop, ["A-S"]).map(\.sku) == ["A-S"])
        await shop.harness.database.close()
    }

    @Test(arguments: [
        #"[{"sku": "A S", "options": {"size": "s"}}]"#, #"[{"sku": "A-S", "options": {}}]"#, #"[{"sku": "A-S"}]"#, #"[{"sku": "A", "options": {"size": "s"}}]"#,
        #"[{"sku": "A-S", "options": {"size": "s"}}, {"sku": "A-S", "options": {"size": "m"}}]"#, #"[{"sku": "A-S", "options": {"size": "s"}}, {"sku": "A-T", "options": {"size": "s"}}]"#,
        #"[{"sku": "A-S", "options": {"size": "s"}, "price": {"amount": 1, "currency": "USD"}}]"#, #"[{"sku": "A-S", "options": {"size": "s"}, "price": {"amount": -1, "currency": "EUR"}}]"#,
    ])
    func `variants that cannot be distinguished or sold are rejected`(variants: String) async throws {
        let shop = try await Shop()
        #expect(fields(try await shop.harness.send(try shop.new("A", more: #", "variants": \#(variants)"#))) == ["variants"])
        let product = try await shop.create("A")
        #expect(fields(try await shop.change(product.id, #"{"variants": \#(variants)}"#)) == ["variants"])
        await shop.harness.database.close()
    }

    @Test(arguments: [
        (#""variants": [{"sku": "A-S", "options": {"size": "s"}}, {"sku": "A-M", "options": {"size": "m"}, "prize": {"amount": 1, "currency": "EUR"}}]"#, "variants[1].prize"),
        (#""variants": [{"sku": "A-S", "options": {"size": "s"}, "price": {"amount": 1, "currency": "EUR", "amuont": 2}}]"#, "variants[0].price.amuont"),
        (#""variants": [{"sku": "A-S", "options": {"size": "s"}, "stock": 2}]"#, "variants[0].stock"), (#""images": ["/a.jpg", {"url": "/b.jpg", "alternative": "B"}]"#, "images"),
    ])
    func `a misspelt field inside a list is named, and never ignored`(lists: String, field: String) async throws {
        let shop = try await Shop()
        #expect(fields(try await shop.harness.send(try shop.new("A", more: ", \(lists)"))) == [field])
        let product = try await shop.create("A")
        #expect(fields(try await shop.change(product.id, "{\(lists)}")) == [field])
        await shop.harness.database.close()
    }

    @Test func `a list of variants can be sent back as it was read`() async throws {
        let shop = try await Shop()
        let product = try await shop.create("A")
        let read = #"{"variants": [{"sku": "A-S", "options": {"size": "s"}, "price": {"amount": 5, "currency": "EUR"}, "available": 3}]}"#
        #expect(try await shop.change(product.id, read).status == 200)
        await shop.harness.database.close()
    }
}
