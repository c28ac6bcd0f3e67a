import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct `The ledger of stock` {
    private func movements(_ shop: Shop, limit: Int = 20, cursor: String? = nil) async throws -> Page<MovementView> {
        var parameters = ["sku": "A", "limit": "\(limit)"]
        parameters["cursor"] = cursor
        return try await shop.harness.ask(try shop.request("stock.movements", "", parameters)).decoded()
    }

    @Test func `movements list counts, adjustments and sales, newest first, with the stock on hand after each`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        let harness = shop.harness
        let orders = [UUID(), UUID()]
        let steps: [Request] = [
            try shop.request("stock.set", #"{"onHand": 10}"#, ["sku": "A"]), try shop.request("stock.adjust", #"{"delta": -2, "reason": "broken"}"#, ["sku": "A"]),
            try Request(MessageName.reserve, sending: ReserveStock(orderID: orders[0], lines: [.init(sku: "A", quantity: 3)])),
            try Request(MessageName.commit, sending: SettleReservation(orderID: orders[0])),
            try Request(MessageName.reserve, sending: ReserveStock(orderID: orders[1], lines: [.init(sku: "A", quantity: 1)])),
            try shop.request("stock.set", #"{"onHand": 20}"#, ["sku": "A"]),
        ]
        for step in steps {
            harness.clock.advance(by: 1)
            #expect(await harness.send([step])[0].failure == nil)
        }
        let all = try await movements(shop).items
        #expect(all.map(\.kind) == [.set, .sold, .adjusted, .set])
        #expect(all.map(\.delta) == [15, -3, -2, 10])
        #expect(all.map(\.onHand) == [20, 5, 8, 10])
        #expect(all.map(\.reason) == [nil, nil, "broken", nil])
        #expect(all[1].orderId == orders[0].uuidString.lowercased())
        #expect(all[0].by == shop.admin.id.uuidString.lowercased())

        var pages: [MovementView] = []
        var cursor: String?
        repeat {
            let page = try await movements(shop, limit: 1, cursor: cursor)
            pages += page.items
            cursor = page.nextCursor
            // Later movements do not change earlier ones.
            _ = try await harness.send(try shop.request("stock.adjust", #"{"delta": 1, "reason": "found"}"#, ["sku": "A"]))
        } while cursor != nil
        #expect(pages.map(\.onHand) == [20, 5, 8, 10])
        await harness.database.close()
    }

    @Test func `an unknown SKU has no movements, and a cursor of another list is rejected`() async throws {
        let shop = try await Shop()
        #expect(try await shop.harness.ask(try shop.request("stock.movements", "", ["sku": "A"])).status == 404)
        _ = try await shop.create("A")
        for key in [["a"], ["1", "m", "\(Int.min)"]] {
            let cursor = Base64URL.encode(try JSON.encode(key))
            #expect(throws: Problem.self) { _ = try StockList<MovementCursor>.read(try shop.request("stock.movements", "", ["sku": "A", "cursor": cursor])) }
        }
        #expect(try await movements(shop).items.isEmpty)
        await shop.harness.database.close()
    }
}
