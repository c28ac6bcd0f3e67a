import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

/// What people do to an order after its checkout.
extension OrderFixture {
    static let admin = Caller(id: UUID(), role: .admin)

    var token: String { GuestToken.token(order: id, cart: cart) }

    func request(_ operation: String, _ json: String = "", as caller: Caller? = admin, id message: UUID = UUID(), of thing: UUID? = nil, token: String? = nil) -> Request {
        var parameters = ["id": (thing ?? id).uuidString]
        parameters["token"] = token
        return Request(
            id: message, operation: operation, parameters: parameters, caller: caller, body: Array(json.utf8),
            requester: Requester(replyTo: "replies.test", correlationID: message.uuidString))
    }

    /// The reply, and the keys of the messages that follow; a reply has none.
    func perform(_ request: Request) async throws -> (reply: Reply, keys: [String]) {
        let result = await harness.send([request])[0]
        return (try result.reply, result.outputs.map(\.key).filter { !$0.isEmpty })
    }

    func confirm() async throws {
        try await advance(.charged, PaymentReport(state: .succeeded, refunded: 0, revision: 1))
    }

    func ship(_ json: String = #"{"carrier":"DHL","trackingNumber":"1"}"#, id message: UUID = UUID()) async throws -> (reply: Reply, keys: [String]) {
        try await perform(request("orders.shipments.create", json, id: message))
    }

    func cancel(_ json: String = "", as caller: Caller? = admin, token: String? = nil) async throws -> (reply: Reply, keys: [String]) {
        try await perform(request("orders.orders.cancel", json, as: caller, token: token))
    }
}

@Suite struct CancellationTests {
    @Test func `a confirmed order is refunded, its stock released, and its customer notified, each once`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        let first = try await order.cancel(#"{"reason":"too slow"}"#, as: nil, token: order.token)
        #expect(first.reply.status == 202 && first.keys == [MessageName.void])
        #expect(try first.reply.decoded(OrderView.self).state == "cancelled")
        let second = try await order.cancel(as: nil, token: order.token)
        #expect(second.reply.status == 202 && second.keys == [], "it answers the same, and does nothing")
        #expect(try await order.advance(.paymentVoided, PaymentReport(state: .refunded, refunded: 100, revision: 2)) == [MessageName.release])
        #expect(try await order.advance(.paymentVoided, PaymentReport(state: .refunded, refunded: 100, revision: 2)) == [])
        #expect(try await order.advance(.stockReleased) == [MessageName.orderCancelled])
        #expect(try await order.advance(.stockReleased) == [])
        let view = try await order.view
        #expect(view.state == "cancelled" && view.reason == "cancelledByCustomer")
        #expect(view.payment.state == .refunded && view.refunded.amount == 100)
        #expect(view.history.contains { $0.by == .customer && $0.detail == "cancelled: too slow" })
        #expect(try await order.cancel().reply.status == 202)
        #expect(try await order.overdue().isEmpty)
        await order.harness.database.close()
    }

    @Test func `a pending order is given up, and those who wait for it are answered`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.stockReserved)
        let wait = Request(
            id: UUID(), operation: MessageName.waitForOrder, body: Array(#"{"order":{"id":"\#(order.id.uuidString)"}}"#.utf8),
            requester: Requester(replyTo: "replies.test", correlationID: "waiting"))
        _ = await order.harness.send([wait])
        let result = await order.harness.send([order.request("orders.orders.cancel")])[0]
        #expect(result.outputs.map(\.key) == [MessageName.void, ""], "the void, and the answer to the one who waits")
        #expect(try await order.advance(.charged, PaymentReport(state: .succeeded, refunded: 0, revision: 1)) == [], "a charge that was on its way meets the void")
        #expect(try await order.view.state == "cancelled")
        await order.harness.database.close()
    }

    @Test func `a stranger cannot cancel, and no one can cancel an order that was shipped or rejected`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        #expect(try await order.cancel(as: nil).reply.status == 404)
        #expect(try await order.cancel(as: Caller(id: UUID(), role: .customer)).reply.status == 404)
        _ = try await order.ship()
        let refused = try await order.cancel()
        #expect(refused.reply.status == 409 && refused.reply.problem?.type.hasSuffix("/already-shipped") == true)
        #expect(refused.keys == [])
        let rejected = try await OrderFixture()
        try await rejected.take(.stockShort, .cartReopened)
        #expect(try await rejected.cancel().reply.problem?.type.hasSuffix("/order-rejected") == true)
        await order.harness.database.close()
        await rejected.harness.database.close()
    }

    /// Both have read the order as confirmed.
    @Test func `of a shipment and a cancellation at once exactly one wins`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        let requests = [order.request("orders.shipments.create", #"{"carrier":"DHL","trackingNumber":"1"}"#), order.request("orders.orders.cancel")]
        let results = Results()
        let standOff = StandOff(database: order.harness.database, hold: "SELECT FROM checkouts FOR UPDATE")
        _ = try await standOff.rollbacks {
            results.add(await order.harness.send([requests[0]])[0])
        } and: {
            results.add(await order.harness.send([requests[1]])[0])
        }
        let statuses = try results.all.map { try $0.reply.status }
        #expect(statuses.count { $0 == 409 } == 1 && statuses.count { $0 < 300 } == 1, "\(statuses)")
    }
}
