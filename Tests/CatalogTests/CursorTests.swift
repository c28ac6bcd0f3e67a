import Contracts
import Input
import PostgreSQL
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

@Suite struct `Cursors of the catalog` {
    @Test func `a cursor of another search, filter or order is rejected, but the limit may change`() async throws {
        let shop = try await Shop()
        for number in 0..<4 { _ = try await shop.create("S\(number)", "Walker \(number)", more: #", "category": "shoes", "attributes": {"colour": "red"}"#) }
        let first = try await shop.list(["search": "walker", "limit": "2"])
        let cursor = try #require(first.nextCursor)
        let others = [
            [:], ["search": "wolker"], ["search": "walker", "category": "shoes"], ["search": "walker", "maxPrice": "900"],
            ["search": "walker", "attribute.colour": "red"], ["search": "walker", "inStock": "true"], ["search": "walker", "sort": "name"],
        ]
        for other in others {
            let request = try shop.request("products.list", "", other.merging(["cursor": cursor]) { $1 })
            #expect(throws: Problem.self, "\(other)") { _ = try ListProducts.read(request) }
        }
        #expect(try await shop.list(["search": " walker ", "inStock": "false", "limit": "1", "facets": "brand", "cursor": cursor]).items.count == 1)
        await shop.harness.database.close()
    }

    @Test func `a name in any script fits into a cursor`() async throws {
        let shop = try await Shop()
        for sku in ["A", "B", "C"] { _ = try await shop.create(sku, String(repeating: "\u{1F45F}", count: 200)) }
        #expect(try await shop.pages([:]).count == 3)
        await shop.harness.database.close()
    }

    @Test func `a cursor of another SKU's movements is rejected`() async throws {
        let shop = try await Shop()
        for sku in ["A", "B"] { _ = try await shop.create(sku) }
        for count in [1, 2] { _ = try await shop.harness.send(try shop.request("stock.set", #"{"onHand": \#(count)}"#, ["sku": "A"])) }
        let page = try await shop.harness.ask(try shop.request("stock.movements", "", ["sku": "A", "limit": "1"])).decoded(Page<MovementView>.self)
        let cursor = try #require(page.nextCursor)
        #expect(throws: Problem.self) { _ = try StockList<MovementCursor>.read(try shop.request("stock.movements", "", ["sku": "B", "cursor": cursor])) }
        #expect(try StockList<MovementCursor>.read(try shop.request("stock.movements", "", ["sku": "A", "cursor": cursor])).after != nil)
        await shop.harness.database.close()
    }
}
