import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct ReturningTests {
    private struct Answer: Decodable {
        let id: UUID
        let state: String
    }

    private func ask(_ order: OrderFixture, _ quantity: Int = 1, id: UUID = UUID()) async throws -> (reply: Reply, keys: [String]) {
        let body = #"{"lines":[{"sku":"tea","quantity":\#(quantity),"reason":"broken"}]}"#
        return try await order.perform(order.request("orders.returns.create", body, as: nil, id: id, token: order.token))
    }

    private func decide(_ order: OrderFixture, _ what: String, _ id: UUID, _ json: String = "") async throws -> (reply: Reply, keys: [String]) {
        try await order.perform(order.request("orders.returns.\(what)", json, of: id))
    }

    @Test func `a return is approved, received, restocked and refunded, each once`() async throws {
        let order = try await OrderFixture(quantity: 2)
        try await order.confirm()
        #expect(try await ask(order).reply.problem?.type.hasSuffix("/not-shipped") == true)
        _ = try await order.ship()
        let asked = try await ask(order)
        #expect(asked.reply.status == 201 && asked.keys == [MessageName.orderReturnRequested])
        let id = try asked.reply.decoded(Answer.self).id
        #expect(try await ask(order, 2).reply.problem?.type.hasSuffix("/more-than-shipped") == true)
        #expect(try await decide(order, "receive", id, #"{"restock":true}"#).reply.status == 409)
        #expect(try await decide(order, "approve", id).keys == [MessageName.orderReturnApproved])
        #expect(try await decide(order, "approve", id).keys == [])
        #expect(try await decide(order, "refuse", id).reply.status == 409)
        #expect(try await decide(order, "receive", id, #"{"restock":true}"#).keys == [MessageName.createRefund, MessageName.restock])
        #expect(try await decide(order, "receive", id, #"{"restock":true}"#).keys == [])
        let refund = RefundReport(refundID: Return.refund(of: id), state: .succeeded, amount: 100)
        let report = PaymentReport(state: .partlyRefunded, refunded: 100, revision: 2)
        #expect(try await order.refunded(refund, report) == [MessageName.orderRefunded])
        #expect(try await order.refunded(refund, report) == [])
        let view = try await order.view
        #expect(view.returns.map(\.state) == [.refunded] && view.refunded.amount == 100)
        await order.harness.database.close()
    }

    /// Payments makes no dead letter of it: less of the payment is left than the goods have cost, or the bank disputes it.
    @Test func `a return whose refund is not made says so in the order's history`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        _ = try await order.ship()
        let id = try await ask(order).reply.decoded(Answer.self).id
        _ = try await decide(order, "approve", id)
        _ = try await decide(order, "receive", id, #"{"restock":false}"#)
        let before = try await order.view
        let refund = RefundReport(refundID: Return.refund(of: id), state: .failed, amount: 100)
        #expect(try await order.refunded(refund, PaymentReport(state: before.payment.state, refunded: 0, revision: 1)) == [])
        let view = try await order.view
        #expect(view.returns.map(\.state) == [.received] && view.history.count == before.history.count + 1)
        #expect(before.returns.map(\.refund?.state) == [.pending] && view.returns.map(\.refund?.state) == [.failed])
        await order.harness.database.close()
    }

    @Test func `a return whose refund the gateway refuses for good waits for an operator, who ends it`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        _ = try await order.ship()
        let id = try await ask(order).reply.decoded(Answer.self).id
        _ = try await decide(order, "approve", id)
        _ = try await decide(order, "receive", id, #"{"restock":false}"#)
        func report(_ state: RefundState, _ payment: PaymentState, _ refunded: Int, _ revision: Int) async throws -> (keys: [String], one: Return?) {
            let refund = RefundReport(refundID: Return.refund(of: id), state: state, amount: 100)
            let keys = try await order.refunded(refund, PaymentReport(state: payment, refunded: refunded, revision: revision))
            return (keys, try await order.view.returns.first)
        }
        let refused = try await report(.needsOperator, .needsOperator, 0, 2)
        #expect(refused.keys == [] && refused.one?.state == .received && refused.one?.refund?.state == .needsOperator)
        let paid = try await report(.succeeded, .refunded, 100, 4)
        #expect(paid.keys == [MessageName.orderRefunded] && paid.one?.state == .refunded)
        // The bank sends the money back.
        let failed = try await report(.needsOperator, .needsOperator, 0, 5)
        #expect(failed.keys == [] && failed.one?.state == .received && failed.one?.refund?.state == .needsOperator)
        #expect(try await order.view.payment.state == .needsOperator)
        await order.harness.database.close()
    }

    /// Before, it stayed received for ever, although the customer had got the money in another way, or never would.
    @Test(arguments: [(Settlement.refundedElsewhere, Return.State.refunded), (.writtenOff, .writtenOff), (.nothingLeft, .refunded)])
    func `a return ends with the decision about a refund that is not made`(settlement: Settlement, state: Return.State) async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        _ = try await order.ship()
        let id = try await ask(order).reply.decoded(Answer.self).id
        _ = try await decide(order, "approve", id)
        _ = try await decide(order, "receive", id, #"{"restock":false}"#)
        let waiting = RefundReport(refundID: Return.refund(of: id), state: .needsOperator, amount: 100)
        #expect(try await order.refunded(waiting, PaymentReport(state: .needsOperator, refunded: 0, revision: 10)) == [])
        let before = try await order.view
        #expect(before.returns.map(\.state) == [.received] && before.payment.state == .needsOperator)
        let settled = RefundReport(refundID: Return.refund(of: id), state: .failed, amount: 100, settlement: settlement)
        #expect(try await order.refunded(settled, PaymentReport(state: .succeeded, refunded: 0, revision: 11)) == [], "no refund was made, so none is announced")
        let view = try await order.view
        #expect(view.returns.map(\.state) == [state] && view.payment.state == .succeeded && view.history.count == before.history.count + 1)
        #expect(try await order.refunded(settled, PaymentReport(state: .succeeded, refunded: 0, revision: 11)) == [])
        #expect(try await order.view.history.count == view.history.count, "once")
        await order.harness.database.close()
    }

    @Test func `a refused return makes room for another, and strangers and unknown returns are 404`() async throws {
        let order = try await OrderFixture()
        try await order.confirm()
        _ = try await order.ship()
        let id = try await ask(order).reply.decoded(Answer.self).id
        let stranger = order.request("orders.returns.create", #"{"lines":[{"sku":"tea","quantity":1,"reason":"x"}]}"#, as: Caller(id: UUID(), role: .customer))
        #expect(try await order.perform(stranger).reply.status == 404)
        #expect(try await decide(order, "refuse", id, #"{"reason":"worn"}"#).keys == [MessageName.orderReturnRefused])
        #expect(try await decide(order, "refuse", id).reply.status == 200)
        #expect(try await decide(order, "approve", id).reply.status == 409)
        #expect(try await decide(order, "approve", UUID()).reply.status == 404)
        #expect(try await ask(order).reply.status == 201)
        #expect(try await decide(order, "receive", id).reply.status == 422, "whether it can be sold again must be said")
        await order.harness.database.close()
    }
}
