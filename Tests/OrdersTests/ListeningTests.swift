import Contracts
import FoundationEssentials
import Input
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct ListeningTests {
    private func listen(_ order: OrderFixture, _ parameters: [String: String] = [:], token: String? = nil) async throws -> Reply {
        var parameters = parameters
        parameters["id"] = order.id.uuidString
        parameters["token"] = token ?? order.token
        return try await order.harness.ask(try Request("orders.orders.events", parameters: parameters))
    }

    private func ids(_ reply: Reply) -> [String] {
        String(decoding: reply.body, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }

    @Test func `each entry of the history is an event, and a client that reconnects gets the events that it does not have`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.stockReserved)
        let first = try await listen(order)
        #expect(first.status == 200 && first.headers["content-type"] == "text/event-stream; charset=utf-8")
        #expect(ids(first) == ["0", "1"] && first.headers[Reply.nextPage] == "1")
        #expect(String(decoding: first.body, as: UTF8.self).hasSuffix("\n\n"))
        #expect(ids(try await listen(order, ["last-event-id": "0"])) == ["1"])
        #expect(ids(try await listen(order, ["last-event-id": "no index"])) == ["0", "1"])
        let nothingNew = try await listen(order, ["after": "1", "last-event-id": "0"])
        #expect(nothingNew.status == 200 && nothingNew.body == [] && nothingNew.headers[Reply.nextPage] == "1")
        try await order.confirm()
        let last = try await listen(order, ["after": "1"])
        #expect(ids(last) == ["2"] && last.headers[Reply.nextPage] == nil, "it has settled")
        #expect(try await listen(order, ["last-event-id": "2"]).status == 204)
        #expect(try await listen(order, token: "another").status == 404)
        await order.harness.database.close()
    }

    @Test(arguments: ["9223372036854775807", "9223372036854775806", "99999999999999999999", "-9223372036854775808", "5"])
    func `a place that no stream has reached is answered, and its worker lives`(place: String) async throws {
        let order = try await OrderFixture()
        #expect(try await listen(order, ["last-event-id": place]).status == 200)
        await order.harness.database.close()
    }

    @Test func `every change of an order is a new version, under the id that was asked for`() async throws {
        let order = try await OrderFixture()
        func versions() async throws -> [String: Int] {
            let ids = [order.id.uuidString.lowercased(), UUID().uuidString, "nonsense"]
            let request = try Request("orders.orders.versions", sending: VersionsQuery(ids: ids))
            return try await order.harness.ask(request).decoded(VersionsQuery.Answer.self).versions
        }
        let before = try await versions()
        #expect(Array(before.keys) == [order.id.uuidString.lowercased()])
        try await order.advance(.stockReserved)
        #expect(try await versions() != before)
        await order.harness.database.close()
    }

    @Test func `another service learns the states of orders as the API shows them, without those that do not exist`() async throws {
        let order = try await OrderFixture()
        let request = try Request("orders.orders.states", sending: OrderStatesQuery(orders: [order.id, UUID()]))
        #expect(try await order.harness.ask(request).decoded(OrderStates.self).counts == ["pending": 1])
        await order.harness.database.close()
    }
}
