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

    @Test func `a guest's order is shown to its token, and to no other`() async throws {
        let order = try await OrderFixture()
        #expect(try await get(order, token: GuestToken.token(order: order.id, cart: order.cart)) == 200)
        #expect(try await get(order, token: GuestToken.token(order: UUID(), cart: order.cart)) == 404)
        #expect(try await get(order, token: GuestToken.token(order: order.id, cart: UUID())) == 404)
        #expect(try await get(order) == 404)
        await order.harness.database.close()
    }
}
