import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

/// What happens to an order whose customer has left.
@Suite struct ErasureTests {
    /// A marker in every text that a person can add to an order.
    private static let mark = "canary"

    private func order(quantity: Int = 2) async throws -> (fixture: OrderFixture, customer: Caller) {
        let customer = Caller(id: UUID(), role: .customer)
        let order = try await OrderFixture(quantity: quantity, customer: customer.id, name: "\(Self.mark) name", email: "\(Self.mark)@wharf.example")
        return (order, customer)
    }

    private func erase(_ order: OrderFixture, _ customer: Caller) async throws -> [String] {
        let message = try Request(MessageName.eraseInOrders, sending: Customer(userID: customer.id))
        return await order.harness.send([message])[0].outputs.map(\.key)
    }

    /// Runs the poller for customers whose orders could not all be erased.
    private func look(_ order: OrderFixture) async throws {
        order.harness.clock.advance(by: Customers.pause + 1)
        let poller = try #require(order.service.pollers.first { $0.name == "customers who have left" })
        _ = try await order.harness.database.transaction { try await poller.find($0) }
    }

    /// The number of its occurrences in all tables but the inbox, which is dropped day by day.
    private func traces(_ order: OrderFixture) async throws -> Int {
        try await order.harness.count(
            """
            SELECT (SELECT count(*) FROM orders WHERE orders::text LIKE '%canary%') + (SELECT count(*) FROM checkouts WHERE checkouts::text LIKE '%canary%')
                + (SELECT count(*) FROM order_notes WHERE order_notes::text LIKE '%canary%')
                + (SELECT count(*) FROM checkout_actions WHERE checkout_actions::text LIKE '%canary%')
            """)
    }

    private func export(_ order: OrderFixture, _ customer: Caller) async throws -> String {
        let reply = try await order.harness.ask(try Request(MessageName.exportFromOrders, sending: Customer(userID: customer.id)))
        return String(decoding: reply.body, as: UTF8.self)
    }

    private func parcel(_ place: Int) -> String {
        #"{"carrier":"DHL","trackingNumber":"canary \#(place)","trackingUrl":"https://t.example/canary","lines":[{"sku":"tea","quantity":1}]}"#
    }

    @Test func `an order that is to be shipped keeps its address until it has been`() async throws {
        let (order, customer) = try await order()
        try await order.confirm()
        #expect(try await erase(order, customer) == [MessageName.customerErased])
        try await look(order)
        #expect(try await order.view.shippingAddress.name == "canary name", "the parcel must arrive")
        _ = try await order.ship(parcel(1))
        try await look(order)
        #expect(try await order.view.shippingAddress.name == "canary name", "a part of it is still to be shipped")
        _ = try await order.ship(parcel(2))
        try await look(order)
        let view = try await order.view
        #expect(view.shippingAddress.name == Erased.text && view.email == Erased.email && view.shippingAddress.country == "DE")
        #expect(try await traces(order) == 0)
        #expect(try await order.harness.count("SELECT count(*) FROM erasures") == 0)
        await order.harness.database.close()
    }

    @Test func `free text is in the export, and is erased with the customer`() async throws {
        let (order, customer) = try await order()
        try await order.confirm()
        for place in 1...2 { _ = try await order.ship(parcel(place)) }
        var returns: [UUID] = []
        for _ in 1...2 {
            let json = #"{"lines":[{"sku":"tea","quantity":1,"reason":"canary words"}]}"#
            let reply = try await order.perform(order.request("orders.returns.create", json, as: customer)).reply
            returns.append(try reply.decoded(Named.self).id)
        }
        _ = try await order.perform(order.request("orders.returns.refuse", #"{"reason":"canary refusal"}"#, of: returns[0]))
        _ = try await order.perform(order.request("orders.notes.create", #"{"text":"canary note"}"#))
        _ = try await erase(order, customer)
        #expect(try await order.view.email == "canary@wharf.example", "a return is open")
        let exported = try await export(order, customer)
        for words in ["canary name", "canary@wharf.example", "canary words", "canary refusal", "canary note", "canary 1"] { #expect(exported.contains(words), "\(words)") }
        _ = try await order.perform(order.request("orders.returns.approve", of: returns[1]))
        _ = try await order.perform(order.request("orders.returns.receive", #"{"restock":true}"#, of: returns[1]))
        try await look(order)
        #expect(try await order.view.email == "canary@wharf.example", "its money is under way")
        let refund = RefundReport(refundID: Return.refund(of: returns[1]), state: .succeeded, amount: 100)
        _ = try await order.refunded(refund, PaymentReport(state: .partlyRefunded, refunded: 100, revision: 2))
        let before = try await order.view
        try await look(order)
        #expect(try await traces(order) == 0)
        let after = try await order.view
        #expect(after.history.map(\.state) == before.history.map(\.state) && after.returns.map(\.state) == [.refused, .refunded])
        #expect(after.shipments.map(\.lines) == before.shipments.map(\.lines))
        await order.harness.database.close()
    }

    private struct Named: Decodable { let id: UUID }

    @Test func `the reason of a cancelled order is erased with its customer`() async throws {
        let (order, customer) = try await order()
        try await order.confirm()
        _ = try await order.cancel(#"{"reason":"canary"}"#, as: customer)
        _ = try await erase(order, customer)
        #expect(try await traces(order) == 1 + 1, "its money is not back yet")
        try await order.advance(.paymentVoided, PaymentReport(state: .refunded, refunded: 200, revision: 2))
        try await order.advance(.stockReleased)
        try await look(order)
        #expect(try await traces(order) == 0)
        #expect(try await order.view.history.contains { $0.by == .customer && $0.detail == "cancelled" })
        await order.harness.database.close()
    }

    @Test func `the reason for which an operator has given an order up is erased with its customer`() async throws {
        let (order, customer) = try await order()
        _ = try await order.checkout("compensate", #"{"reason":"canary"}"#)
        try await order.advance(.paymentVoided)
        try await order.advance(.stockReleased)
        try await order.advance(.cartReopened)
        _ = try await erase(order, customer)
        try await look(order)
        #expect(try await traces(order) == 0)
        await order.harness.database.close()
    }

    @Test func `a shop that reports no shipments also forgets its customers`() async throws {
        let (order, customer) = try await order()
        try await order.confirm()
        _ = try await erase(order, customer)
        order.harness.clock.advance(by: Customers.longestHold + 1)
        try await look(order)
        #expect(try await traces(order) == 0)
        await order.harness.database.close()
    }

    @Test func `of the steps taken by people, only those that contain nothing but lines keep their texts`() {
        let now = Date(timeIntervalSince1970: 1_780_000_000)
        for state in ["delivered", "returnRequested", "returnApproved", "returnReceived", "returnRefused", "shipped", "partlyShipped", "voiding", "something new"] {
            let entry = OrderView.Entry(at: now, state: state, detail: "canary", by: .shop)
            #expect((entry.erased.detail == "canary") == ["delivered", "returnRequested", "returnApproved", "returnReceived"].contains(state), "\(state)")
            #expect(OrderView.Entry(at: now, state: state, detail: "canary").erased.detail == "canary", "Wharf's own words stay")
        }
        #expect(OrderView.Entry(at: now, state: "voiding", detail: "cancelled: canary", by: .customer).erased.detail == "cancelled")
    }
}
