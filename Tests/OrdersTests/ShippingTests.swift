import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct ShippingTests {
    @Test func `an order is shipped in parts and delivered, and its customer is notified of each`() async throws {
        let order = try await OrderFixture(quantity: 3)
        try await order.confirm()
        let message = UUID()
        let part = try await order.ship(#"{"carrier":"DHL","trackingNumber":"1","trackingUrl":"https://dhl.example/1","lines":[{"sku":"tea","quantity":1}]}"#, id: message)
        #expect(part.reply.status == 201 && part.keys == [MessageName.orderShipped])
        #expect(try part.reply.decoded(OrderView.self).state == "partlyShipped")
        #expect(try await order.perform(order.request("orders.orders.deliver")).reply.status == 409)
        let rest = try await order.ship()
        #expect(try rest.reply.decoded(OrderView.self).state == "shipped")
        #expect(try await order.ship().reply.problem?.type.hasSuffix("/already-shipped") == true)
        let delivered = try await order.perform(order.request("orders.orders.deliver"))
        #expect(delivered.reply.status == 200 && delivered.keys == [MessageName.orderDelivered])
        #expect(try await order.perform(order.request("orders.orders.deliver")).keys == [])
        let view = try await order.view
        #expect(view.state == "delivered")
        #expect(view.shipments.map { $0.lines.map(\.quantity) } == [[1], [2]])
        #expect(view.history.suffix(3).map(\.state) == ["partlyShipped", "shipped", "delivered"])
        try await order.advance(.paymentChanged, PaymentReport(state: .partlyRefunded, refunded: 1, revision: 9))
        #expect(try await order.view.history.last?.state == "delivered", "a refund does not set the order back")
        func shown(to caller: Caller?) async throws -> [String?] {
            let request = try Request("orders.orders.get", parameters: ["id": order.id.uuidString, "token": order.token], caller: caller)
            return try await order.harness.ask(request).decoded(OrderView.self).history.filter { $0.by == .shop }.map(\.administrator)
        }
        #expect(try await shown(to: OrderFixture.admin) == Array(repeating: OrderFixture.admin.auditName, count: 3))
        #expect(try await shown(to: nil) == [nil, nil, nil], "a customer does not learn who works for the shop")
        await order.harness.database.close()
    }

    @Test func `an order is shipped once it is confirmed, and not before`() async throws {
        let order = try await OrderFixture()
        #expect(try await order.ship().reply.problem?.type.hasSuffix("/order-not-confirmed") == true)
        try await order.advance(.charged)
        #expect(try await order.ship().reply.status == 201)
        await order.harness.database.close()
    }

    @Test func `an order whose payment is authorized is captured with its first parcel`() async throws {
        let order = try await OrderFixture(quantity: 2)
        try await order.advance(.charged, PaymentReport(state: .authorized, refunded: 0, revision: 1))
        #expect(try await order.view.history.contains { $0.detail == "payment authorized" })
        let part = try await order.ship(#"{"carrier":"DHL","trackingNumber":"1","lines":[{"sku":"tea","quantity":1}]}"#)
        #expect(part.keys == [MessageName.orderShipped, MessageName.capture])
        try await order.advance(.paymentChanged, PaymentReport(state: .succeeded, refunded: 0, revision: 2))
        #expect(try await order.ship().keys == [MessageName.orderShipped])
        await order.harness.database.close()
    }

    @Test func `an order whose authorization has ended is not shipped, and can be cancelled`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.charged, PaymentReport(state: .authorized, refunded: 0, revision: 1))
        try await order.advance(.paymentChanged, PaymentReport(state: .cancelled, refunded: 0, revision: 2))
        #expect(try await order.ship().reply.problem?.type.hasSuffix("/payment-cancelled") == true)
        #expect(try await order.perform(order.request("orders.orders.cancel")).keys.contains(MessageName.void))
        await order.harness.database.close()
    }

    @Test func `two parcels at once never hold more than was ordered`() async throws {
        let order = try await OrderFixture(quantity: 3)
        try await order.confirm()
        let body = #"{"carrier":"DHL","trackingNumber":"1","lines":[{"sku":"tea","quantity":2}]}"#
        let results = Results()
        let standOff = StandOff(database: order.harness.database, hold: "SELECT FROM checkouts FOR UPDATE")
        _ = try await standOff.rollbacks {
            results.add(await order.harness.send([order.request("orders.shipments.create", body)])[0])
        } and: {
            results.add(await order.harness.send([order.request("orders.shipments.create", body)])[0])
        }
        #expect(try results.all.map { try $0.reply.status }.sorted() == [201, 409])
    }

    @Test func `a parcel with wrong fields is refused with their names`() async throws {
        let order = try await OrderFixture()
        let reply = try await order.ship(#"{"carrier":"","trackingUrl":"ftp://x","lines":[{"sku":"tea","quantity":0}]}"#).reply
        #expect(reply.status == 422)
        #expect(Set(reply.problem?.errors?.map(\.field) ?? []) == ["carrier", "trackingNumber", "trackingUrl", "lines[0].quantity"])
        #expect(try await order.ship(#"{"carrier":"DHL","trackingNumber":"1","lines":[]}"#).reply.status == 422)
        // A mail could not link to it.
        let noLink = try await order.ship(#"{"carrier":"DHL","trackingNumber":"1","trackingUrl":"https://dhl example"}"#).reply
        #expect(noLink.problem?.errors?.map(\.field) == ["trackingUrl"])
        await order.harness.database.close()
    }

    private func numbers(_ order: OrderFixture, _ parameters: [String: String]) async throws -> Int {
        struct List: Decodable {
            struct Item: Decodable { let number: String }
            let items: [Item]
        }
        let reply = try await order.harness.ask(try Request("orders.orders.list", parameters: parameters, caller: OrderFixture.admin))
        return reply.status == 200 ? try reply.decoded(List.self).items.count : -reply.status
    }

    @Test func `administrators find orders by state, number, beginning of the address, SKU and time`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        _ = try await order.place(UUID(), cart: UUID())
        #expect(try await numbers(order, [:]) == 2)
        #expect(try await numbers(order, ["state": "confirmed"]) == 1)
        #expect(try await numbers(order, ["state": "pending"]) == 1)
        _ = try await order.ship()
        #expect(try await numbers(order, ["state": "confirmed"]) == 0)
        #expect(try await numbers(order, ["state": "shipped"]) == 1)
        #expect(try await numbers(order, ["number": try await order.view.number]) == 1)
        #expect(try await numbers(order, ["email": "C@wharf"]) == 2)
        #expect(try await numbers(order, ["email": "d"]) == 0)
        #expect(try await numbers(order, ["sku": "tea", "state": "shipped"]) == 1)
        #expect(try await numbers(order, ["sku": "te"]) == 0)
        #expect(try await numbers(order, ["since": "2027-01-01T00:00:00Z"]) == 0)
        #expect(try await numbers(order, ["until": "2027-01-01T00:00:00Z"]) == 2)
        #expect(try await numbers(order, ["limit": "1", "state": "shipped"]) == 1)
        await order.harness.database.close()
    }
}
