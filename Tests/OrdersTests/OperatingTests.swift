import Contracts
import FoundationEssentials
import Input
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

extension OrderFixture {
    func checkouts(_ parameters: [String: String] = [:]) async throws -> Page<CheckoutSummary> {
        try await harness.ask(Request("orders.checkouts.list", parameters: parameters, caller: Self.admin)).decoded()
    }

    func checkout(_ operation: String, _ json: String = "", id message: UUID = UUID()) async throws -> (reply: Reply, keys: [String]) {
        try await perform(request("orders.checkouts.\(operation)", json, as: Self.operatorAtShell, id: message))
    }

    func detail(of thing: UUID? = nil) async throws -> JSONValue {
        try await harness.ask(request("orders.checkouts.get", of: thing)).decoded()
    }

    static let operatorAtShell = Caller(id: Caller.withoutAccount, role: .admin, email: "ada in a shell")
}

extension JSONValue {
    subscript(member: String) -> JSONValue? { if case .object(let members) = self { members[member] } else { nil } }
    var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    var string: String? { if case .string(let text) = self { text } else { nil } }
}

@Suite struct `Operators and checkouts` {
    @Test func `running checkouts are listed oldest first, page by page, and those that have ended are not`() async throws {
        let order = try await OrderFixture()
        var ids = [order.id]
        for _ in 1...3 {
            order.harness.clock.advance(by: 60)
            ids.append(UUID())
            _ = try await order.place(ids[ids.count - 1], cart: UUID())
        }
        try await order.confirm()
        let first = try await order.checkouts(["limit": "2"])
        let second = try await order.checkouts(["limit": "2", "cursor": try #require(first.nextCursor)])
        #expect(first.items.map(\.orderId) + second.items.map(\.orderId) == Array(ids.dropFirst()))
        #expect(second.nextCursor == nil)
        #expect(try await order.checkouts(["olderThan": "30s"]).items.map(\.orderId) == [ids[1], ids[2]], "the youngest is too young")
        #expect(try await order.checkouts(["state": "voiding"]).items.isEmpty)
        await order.harness.database.close()
    }

    @Test(arguments: ["0s", "10", "-5m", "1w", "99999999999d", "m", ""])
    func `an invalid age is refused`(age: String) async throws {
        let order = try await OrderFixture()
        let reply = try await order.harness.ask(Request("orders.checkouts.list", parameters: ["olderThan": age], caller: OrderFixture.admin))
        #expect(reply.problem?.errors?.map(\.field) == ["olderThan"])
        await order.harness.database.close()
    }

    @Test func `a checkout whose step was repeated three times is stuck, and an operator's retry asks again at once`() async throws {
        let order = try await OrderFixture()
        #expect(try await order.checkouts(["stuck": "true"]).items.isEmpty)
        for _ in 1...2 { #expect(try await order.advance(.overdue) == [MessageName.reserve]) }
        let (reply, keys) = try await order.checkout("retry")
        #expect(reply.status == 202 && keys == [MessageName.reserve])
        let stuck = try await order.checkouts(["stuck": "true"]).items
        #expect(stuck.map(\.orderId) == [order.id])
        #expect(stuck.first?.retries == 3 && stuck.first?.isStuck == true)
        #expect(try await order.view.history.map(\.detail) == ["order placed; reserving stock"], "customers see nothing of it")
        let action = try #require(try await order.detail()["actions"]?.elements.first)
        #expect(action["actor"]?.string == "ada in a shell" && action["action"]?.string == "retried")
        await order.harness.database.close()
    }

    @Test func `a retry under one key counts once`() async throws {
        let order = try await OrderFixture()
        let key = UUID()
        for _ in 1...2 { _ = try await order.checkout("retry", id: key) }
        #expect(try await order.checkouts().items.map(\.retries) == [1])
        await order.harness.database.close()
    }

    @Test func `an order that waits for its customer is asked about at payments, and the reminder still comes`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.paymentActionRequired, PaymentReport(state: .requiresAction, refunded: 0, revision: 1))
        let (reply, keys) = try await order.checkout("retry")
        #expect(reply.status == 202 && keys == [MessageName.charge])
        order.harness.clock.advance(by: 150)
        #expect(try await order.advance(.overdue) == [MessageName.orderActionRequired])
        await order.harness.database.close()
    }

    @Test func `an order that is given up goes the way of one whose time has passed`() async throws {
        let order = try await OrderFixture()
        let (reply, keys) = try await order.checkout("compensate", #"{"reason":"the gateway is down"}"#)
        #expect(reply.status == 202 && keys == [MessageName.void])
        #expect(try await order.advance(.paymentVoided) == [MessageName.release])
        #expect(try await order.advance(.stockReleased) == [MessageName.reopenCart])
        #expect(try await order.advance(.cartReopened) == [MessageName.orderRejected])
        let view = try await order.view
        #expect(view.state == "rejected" && view.reason == "stockTimeout")
        #expect(view.history.contains { $0.by == .shop && $0.detail == "given up: the gateway is down" })
        let again = try await order.checkout("compensate")
        #expect(again.reply.problem?.type.hasSuffix("/checkout-not-abandonable") == true)
        #expect(try await order.checkout("retry").reply.problem?.type.hasSuffix("/checkout-ended") == true)
        await order.harness.database.close()
    }

    @Test func `an order that is paid is not given up`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.charged, PaymentReport(state: .succeeded, refunded: 0, revision: 1))
        let refused = try await order.checkout("compensate")
        #expect(refused.reply.status == 409 && refused.keys == [])
        #expect(try await order.view.state == "confirmed")
        #expect(try await order.detail()["actions"]?.elements.isEmpty == true, "what was refused was not done")
        await order.harness.database.close()
    }

    @Test func `an order is assigned, reassigned and unassigned, and the record names the actor`() async throws {
        let order = try await OrderFixture()
        for name in [#""grace""#, #""ada""#] { #expect(try await order.checkout("assign", #"{"assignee":\#(name)}"#).reply.status == 204) }
        #expect(try await order.checkouts().items.map(\.assignee) == ["ada"])
        #expect(try await order.detail()["assignment"]?["by"]?.string == "ada in a shell")
        #expect(try await order.checkout("assign", #"{"assignee":null}"#).reply.status == 204)
        #expect(try await order.checkouts().items.map(\.assignee) == [nil])
        #expect(try await order.detail()["actions"]?.elements.map { $0["detail"]?.string } == [nil, "ada", "grace"])
        #expect(try await order.checkout("assign", "{}").reply.problem?.errors?.map(\.field) == ["assignee"])
        await order.harness.database.close()
    }

    @Test func `an unknown order is 404 everywhere`() async throws {
        let order = try await OrderFixture()
        for (operation, body) in [("retry", ""), ("compensate", ""), ("assign", #"{"assignee":"ada"}"#)] {
            #expect(try await order.perform(order.request("orders.checkouts.\(operation)", body, of: UUID())).reply.status == 404)
        }
        #expect(try await order.harness.ask(order.request("orders.checkouts.get", of: UUID())).status == 404)
        await order.harness.database.close()
    }

    @Test func `the running and the stuck are found by an index, in its order`() async throws {
        let order = try await OrderFixture()
        for (stuck, index) in [("false", "checkouts_running"), ("true", "checkouts_stuck")] {
            let list = try ListCheckouts.read(Request("orders.checkouts.list", parameters: ["stuck": stuck, "olderThan": "1s"]))
            let plan = try await order.harness.database.transaction { connection in
                try await connection.execute("SET LOCAL enable_seqscan = off")
                try await connection.execute("SET LOCAL enable_sort = off")
                return try await connection.query("EXPLAIN " + CheckoutStore.running(list, now: order.harness.clock.now())).map { try $0.decode(0, as: String.self) }.joined()
            }
            #expect(plan.contains(index), "\(plan)")
        }
        await order.harness.database.close()
    }
}
