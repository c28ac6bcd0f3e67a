import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct ReadingTests {
    private func get(_ order: OrderFixture, token: String? = nil, caller: Caller? = nil) async throws -> Int {
        var parameters = ["id": order.id.uuidString]
        parameters["token"] = token
        return try await order.harness.ask(try Request("orders.orders.get", parameters: parameters, caller: caller)).status
    }

    @Test func `a guest's order is shown for its token, and for no other`() async throws {
        let order = try await OrderFixture()
        #expect(try await get(order, token: GuestToken.token(order: order.id, cart: order.cart)) == 200)
        #expect(try await get(order, token: GuestToken.token(order: UUID(), cart: order.cart)) == 404)
        #expect(try await get(order, token: GuestToken.token(order: order.id, cart: UUID())) == 404)
        #expect(try await get(order) == 404)
        await order.harness.database.close()
    }

    private struct OrderList: Decodable {
        struct Entry: Decodable { let id: UUID }

        let items: [Entry]
    }

    private func list(_ order: OrderFixture, as caller: Caller) async throws -> Set<UUID> {
        let list: OrderList = try await order.harness.ask(try Request("orders.orders.list", caller: caller)).decoded()
        return Set(list.items.map(\.id))
    }

    @Test func `customers list their own orders, and administrators list all`() async throws {
        let guests = try await OrderFixture()
        let customers = [UUID(), UUID()]
        let orders = [UUID(), UUID(), UUID()]
        for (id, customer) in zip(orders, [customers[0], customers[0], customers[1]]) { _ = try await guests.place(id, by: customer, cart: UUID()) }
        #expect(try await list(guests, as: Caller(id: customers[0], role: .customer)) == Set(orders[..<2]))
        #expect(try await list(guests, as: Caller(id: customers[1], role: .customer)) == [orders[2]])
        #expect(try await list(guests, as: Caller(id: UUID(), role: .customer)) == [])
        #expect(try await list(guests, as: Caller(id: UUID(), role: .admin)) == Set(orders + [guests.id]))
        await guests.harness.database.close()
    }
}
