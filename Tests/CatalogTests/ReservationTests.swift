import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct ReservationTests {
    private func order(_ number: UInt8) -> UUID {
        UUID(uuid: (number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }

    private func harness(_ stock: [String: Int]) async throws -> ServiceHarness {
        let clock = SetClock()
        let harness = try await ServiceHarness(
            CatalogService.definition(clock: clock, randomness: TestRandomness()), CatalogService.migrations, clock: clock)
        let rows = stock.sorted { $0.key < $1.key }
        try await harness.database.withConnection {
            _ = try await $0.execute(
                "INSERT INTO stock (sku, on_hand) SELECT * FROM unnest(\(rows.map(\.key)), \(rows.map(\.value)))")
        }
        return harness
    }

    private func reserve(_ number: UInt8, _ lines: [(String, Int)]) throws -> Request {
        let step = ReserveStock(orderID: order(number), lines: lines.map { .init(sku: $0.0, quantity: $0.1) })
        return try Request(MessageName.reserve, sending: step)
    }

    private func settle(_ operation: String, _ number: UInt8) throws -> Request {
        try Request(operation, sending: SettleReservation(orderID: order(number)))
    }

    private func kinds(_ results: [BatchHandler.Result]) throws -> [CheckoutEvent.Kind] {
        try results.map { try JSON.decode(CheckoutEvent.self, from: $0.outputs.first?.body ?? []).kind }
    }

    private func level(_ harness: ServiceHarness, _ sku: String) async throws -> [Int] {
        let row = try await harness.database.withConnection {
            try await $0.query("SELECT on_hand, reserved FROM stock WHERE sku = \(sku)")[0]
        }
        return [try row.decode("on_hand"), try row.decode("reserved")]
    }

    @Test func `a batch is served in its order of arrival, all lines of an order or none`() async throws {
        let harness = try await harness(["a": 10, "b": 3])
        let results = await harness.send([
            try reserve(1, [("a", 4), ("b", 2)]), try reserve(2, [("a", 1), ("b", 2)]), try reserve(3, [("a", 6)]),
            try reserve(4, [("a", 1)]),
        ])
        #expect(try kinds(results) == [.stockReserved, .stockShort, .stockReserved, .stockShort])
        #expect(try await level(harness, "a") == [10, 10])
        #expect(try await level(harness, "b") == [3, 2])
        await harness.database.close()
    }

    @Test func `two lines of one SKU are summed before the stock is checked`() async throws {
        let harness = try await harness(["a": 3])
        let results = await harness.send([try reserve(1, [("a", 2), ("a", 2)])])
        #expect(try kinds(results) == [.stockShort])
        #expect(try await level(harness, "a") == [3, 0])
        await harness.database.close()
    }

    @Test func `every step acts once per order, however often and under whichever id it arrives`() async throws {
        let harness = try await harness(["a": 5])
        for _ in 1...3 { #expect(try kinds(await harness.send([try reserve(1, [("a", 2)])])) == [.stockReserved]) }
        #expect(try await level(harness, "a") == [5, 2])
        for _ in 1...3 {
            let sold = await harness.send([try settle(MessageName.sell, 1)])
            #expect(sold.allSatisfy { $0.failure == nil && $0.outputs.isEmpty }, "a sale is not reported")
        }
        #expect(try await level(harness, "a") == [3, 0])
        #expect(try kinds(await harness.send([try settle(MessageName.commit, 1)])) == [.stockCommitted], "payments of an earlier version has it reported")
        #expect(try await level(harness, "a") == [3, 0])
        await harness.database.close()
    }

    @Test func `a reservation after its release is rejected, and takes nothing`() async throws {
        let harness = try await harness(["a": 5])
        #expect(try kinds(await harness.send([try settle(MessageName.release, 1)])) == [.stockReleased])
        #expect(try kinds(await harness.send([try reserve(1, [("a", 2)])])) == [.stockShort])
        for operation in [MessageName.sell, MessageName.commit] {
            #expect(try kinds(await harness.send([try settle(operation, 1)])) == [.reservationLost])
        }
        #expect(try await level(harness, "a") == [5, 0])
        await harness.database.close()
    }

    @Test func `a short order stays short, even after restocking`() async throws {
        let harness = try await harness(["a": 1])
        #expect(try kinds(await harness.send([try reserve(1, [("a", 2)])])) == [.stockShort])
        try await harness.database.withConnection { _ = try await $0.execute("UPDATE stock SET on_hand = 9") }
        #expect(try kinds(await harness.send([try reserve(1, [("a", 2)])])) == [.stockShort])
        #expect(try await level(harness, "a") == [9, 0])
        await harness.database.close()
    }

    @Test func `concurrent reservations, releases and sales sell nothing twice`() async throws {
        let harness = try await harness(["a": 50, "b": 50])
        await withTaskGroup(of: Void.self) { group in
            for number in 1...60 as ClosedRange<UInt8> {
                group.addTask {
                    guard let reserve = try? self.reserve(number, [("b", 1), ("a", 1)]),
                        let end = try? self.settle(number % 3 == 0 ? MessageName.release : MessageName.sell, number)
                    else { return }
                    _ = await harness.send([reserve])
                    _ = await harness.send([end])
                }
            }
        }
        let sold = try await harness.count("SELECT count(*) FROM reservations WHERE state = 'committed'")
        #expect(try await level(harness, "a") == [50 - sold, 0])
        #expect(try await level(harness, "b") == [50 - sold, 0])
        await harness.database.close()
    }

    @Test func `stock cannot be set below the pieces reserved for customers`() async throws {
        let harness = try await harness(["a": 5])
        _ = await harness.send([try reserve(1, [("a", 4)])])
        let id = UUID()
        var request = Request(id: id, operation: "catalog.stock.set", parameters: ["sku": "a"], body: Array(#"{"onHand": 3}"#.utf8))
        request.requester = Requester(replyTo: "replies", correlationID: "1")
        #expect(try await harness.send(request).status == 409)
        #expect(try await level(harness, "a") == [5, 4])
        await harness.database.close()
    }

    private func ledger(_ harness: ServiceHarness, _ sku: String) async throws -> [String] {
        struct List: Decodable {
            struct Entry: Decodable {
                let kind: String
                let delta: Int
                let onHand: Int
                let orderId: String?
            }

            let items: [Entry]
        }
        let list: List = try await harness.ask(try Request("catalog.stock.movements", parameters: ["sku": sku])).decoded()
        return list.items.map { "\($0.kind) \($0.delta) \($0.onHand) \($0.orderId == nil ? "" : "order")" }
    }

    @Test func `the stock of a cancelled sale comes back once, and the ledger shows the sale and its return`() async throws {
        let harness = try await harness(["a": 10])
        _ = await harness.send([try reserve(1, [("a", 4)])])
        _ = await harness.send([try settle(MessageName.commit, 1)])
        #expect(try await level(harness, "a") == [6, 0])
        harness.clock.advance(by: 60)
        for _ in 1...3 { #expect(try kinds(await harness.send([try settle(MessageName.release, 1), try settle(MessageName.release, 1)])) == [.stockReleased, .stockReleased]) }
        #expect(try await level(harness, "a") == [10, 0])
        #expect(try await ledger(harness, "a") == ["returned 4 10 order", "sold -4 6 order"])
        #expect(try kinds(await harness.send([try settle(MessageName.commit, 1)])) == [.reservationLost], "a late booking changes nothing")
        #expect(try await level(harness, "a") == [10, 0])
        await harness.database.close()
    }

    @Test func `goods that a customer has sent back go into stock once for each return`() async throws {
        let harness = try await harness(["a": 10])
        let (first, second) = (UUID(), UUID())
        func restock(_ id: UUID, _ quantity: Int) throws -> Request {
            let step = RestockReturn(orderID: order(1), returnID: id, lines: [.init(sku: "a", quantity: quantity)])
            return try Request(MessageName.restock, sending: step)
        }
        _ = await harness.send([try restock(first, 2), try restock(first, 2), try restock(second, 1)])
        _ = await harness.send([try restock(first, 2)])
        #expect(try await level(harness, "a") == [13, 0])
        #expect(try await ledger(harness, "a").filter { $0.hasPrefix("returned") }.count == 2)
        #expect(await harness.send([try restock(UUID(), 0)])[0].failure?.cause == "malformed-message")
        await harness.database.close()
    }
}
