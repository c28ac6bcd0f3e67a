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

@Suite struct `Stock that is low` {
    private func reserve(_ quantity: Int, for order: UUID = UUID()) throws -> Request {
        try Request(MessageName.reserve, sending: ReserveStock(orderID: order, lines: [.init(sku: "A", quantity: quantity)]))
    }

    /// The available quantities, in the events that the batch leads to.
    private func lows(_ shop: Shop, _ requests: [Request]) async throws -> [Int] {
        let outputs = await shop.harness.send(requests).flatMap(\.outputs)
        return try outputs.filter { $0.destination == .broadcast(MessageName.stockLow) }.map { try JSON.decode(StockLow.self, from: $0.body).available }
    }

    private func set(_ shop: Shop, _ body: String) throws -> Request { try shop.request("stock.set", body, ["sku": "A"]) }

    @Test func `the threshold is set, kept, shown and removed`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        var shown: StockView = try await shop.harness.send(set(shop, #"{"onHand": 9, "lowStockAt": 3}"#)).decoded()
        #expect(shown.lowStockAt == 3)
        let reply = try await shop.harness.send(set(shop, #"{"onHand": 8}"#))
        shown = try reply.decoded()
        #expect(shown.lowStockAt == 3 && shown.onHand == 8)
        // It is an administrator's change like any other.
        let again = try await shop.harness.send(set(shop, #"{"onHand": 8, "lowStockAt": 2}"#))
        #expect(again.headers["etag"] != reply.headers["etag"])
        shown = try await shop.harness.send(set(shop, #"{"onHand": 8, "lowStockAt": null}"#)).decoded()
        #expect(shown.lowStockAt == nil)
        #expect(try await shop.harness.send(set(shop, #"{"onHand": 8, "lowStockAt": -1}"#)).status == 422)
        await shop.harness.database.close()
    }

    @Test func `the event is sent once for each time that the threshold is reached`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        #expect(try await lows(shop, [set(shop, #"{"onHand": 10, "lowStockAt": 5}"#)]) == [])
        #expect(try await lows(shop, [reserve(4)]) == [])
        let order = UUID()
        #expect(try await lows(shop, [reserve(1, for: order)]) == [5])
        #expect(try await lows(shop, [reserve(1)]) == [])
        // A sale takes what was reserved: nothing more is missing.
        #expect(try await lows(shop, [try Request(MessageName.commit, sending: SettleReservation(orderID: order))]) == [])
        #expect(try await lows(shop, [set(shop, #"{"onHand": 20}"#)]) == [])
        #expect(try await lows(shop, [try shop.request("stock.adjust", #"{"delta": -11, "reason": "broken"}"#, ["sku": "A"])]) == [4])
        // Raising the threshold to the available quantity reaches it, too.
        #expect(try await lows(shop, [set(shop, #"{"onHand": 30}"#)]) == [])
        #expect(try await lows(shop, [set(shop, #"{"onHand": 30, "lowStockAt": 29}"#)]) == [25])
        await shop.harness.database.close()
    }

    @Test func `stock that one order takes and another returns in the same batch is not reported`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        _ = try await lows(shop, [set(shop, #"{"onHand": 10, "lowStockAt": 5}"#)])
        let order = UUID()
        _ = try await lows(shop, [reserve(4, for: order)])
        // Both are one operation's in production, so the batch is of releases and of reservations in turn.
        #expect(try await lows(shop, [reserve(1), reserve(1)]) == [4])
        #expect(try await lows(shop, [try Request(MessageName.release, sending: SettleReservation(orderID: order))]) == [])
        #expect(try await lows(shop, [reserve(3), reserve(2)]) == [3])
        await shop.harness.database.close()
    }

    @Test func `an import of stock reports what it makes low`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        _ = try await lows(shop, [set(shop, #"{"onHand": 10, "lowStockAt": 5}"#)])
        let (id, _) = try await shop.upload(Array("sku,stock\nA,2\n".utf8), kind: "stock")
        #expect(try await lows(shop, [try shop.request("imports.advance", #"{"importID": "\#(id.uuidString)", "step": 0}"#)]) == [2])
        await shop.harness.database.close()
    }

    @Test func `reservations are listed until their order has settled, newest first, page by page`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        _ = try await shop.harness.send(set(shop, #"{"onHand": 10}"#))
        let orders = (0..<4).map { _ in UUID() }
        for (index, order) in orders.enumerated() {
            shop.harness.clock.advance(by: 1)
            _ = await shop.harness.send([try reserve(index + 1, for: order)])
        }
        _ = await shop.harness.send([try Request(MessageName.commit, sending: SettleReservation(orderID: orders[0]))])
        _ = await shop.harness.send([try Request(MessageName.release, sending: SettleReservation(orderID: orders[3]))])
        var found: [ReservationView] = []
        var cursor: String?
        repeat {
            var parameters = ["sku": "A", "limit": "1"]
            parameters["cursor"] = cursor
            let page: Page<ReservationView> = try await shop.harness.ask(try shop.request("stock.reservations", "", parameters)).decoded()
            #expect(page.items.count <= 1)
            found += page.items
            cursor = page.nextCursor
        } while cursor != nil
        #expect(found.map(\.orderId) == [orders[2], orders[1]])
        #expect(found.map(\.quantity) == [3, 2])
        #expect(try await shop.harness.ask(try shop.request("stock.reservations", "", ["sku": "B"])).status == 404)
        #expect(fields(try await shop.harness.ask(try shop.request("stock.reservations", "", ["sku": "A", "cursor": "x"]))) == ["cursor"])
        await shop.harness.database.close()
    }
}
