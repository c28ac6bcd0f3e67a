import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct `Reservations left behind` {
    private func found(_ shop: Shop) async throws -> [OutgoingMessage] {
        let service = CatalogService.definition(clock: shop.harness.clock, randomness: TestRandomness())
        let poller = try #require(service.pollers.first { $0.name == "reservations left behind" })
        return try await shop.harness.database.transaction { try await poller.find($0) }
    }

    private func orders(_ messages: [OutgoingMessage]) throws -> [UUID] {
        try messages.map { message in
            let event = try JSON.decode(CheckoutEvent.self, from: message.body)
            #expect(event.kind == .stockReserved && message.key == MessageName.advance)
            return event.orderID
        }
    }

    private func reserve(_ order: UUID, _ shop: Shop) async throws {
        _ = await shop.harness.send([try Request(MessageName.reserve, sending: ReserveStock(orderID: order, lines: [.init(sku: "A", quantity: 1)]))])
    }

    @Test func `stock reserved for longer than a checkout lasts is reported to orders, once an hour, and no other stock is`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        _ = try await shop.importing("sku,stock\nA,4\n", kind: "stock")
        let (left, sold, released, new) = (UUID(), UUID(), UUID(), UUID())
        for order in [left, sold, released] { try await reserve(order, shop) }
        _ = await shop.harness.send([try Request(MessageName.commit, sending: SettleReservation(orderID: sold))])
        _ = await shop.harness.send([try Request(MessageName.release, sending: SettleReservation(orderID: released))])
        #expect(try await found(shop).isEmpty)
        shop.harness.clock.advance(by: Reserving.leftBehindAfter + 1)
        try await reserve(new, shop)
        let first = try await found(shop)
        #expect(try orders(first) == [left])
        // The same message again: the inbox of orders handles it once.
        #expect(try await found(shop).map(\.origin) == first.map(\.origin))
        shop.harness.clock.advance(by: Reserving.leftBehindAfter + 1)
        let second = try await found(shop)
        #expect(try Set(orders(second)) == [left, new])
        #expect(Set(second.map(\.origin)).isDisjoint(with: first.map(\.origin)))
        // What orders answers for one that was given up.
        _ = await shop.harness.send([try Request(MessageName.release, sending: SettleReservation(orderID: left))])
        #expect(try orders(try await found(shop)) == [new])
        #expect(try await shop.product("A").available == 2)
        await shop.harness.database.close()
    }

    @Test func `the sweep reads the table part by part, finds all of many, and begins again at its end`() async throws {
        let shop = try await Shop()
        let count = 2 * Reserving.sweptAtOnce + 1
        try await shop.harness.database.withConnection { connection in
            _ = try await connection.execute(
                """
                INSERT INTO reservations (order_id, state, skus, quantities, at)
                SELECT gen_random_uuid(), 'reserved', '{A}', '{1}', to_timestamp(0) FROM generate_series(1, \(count))
                """)
        }
        shop.harness.clock.advance(by: Reserving.leftBehindAfter + 1)
        var all: Set<UUID> = []
        for _ in 1...4 {
            let found = try orders(try await found(shop))
            #expect(found.count <= Reserving.sweptAtOnce)
            all.formUnion(found)
        }
        #expect(all.count == count)
        #expect(try await !found(shop).isEmpty)
        await shop.harness.database.close()
    }
}
