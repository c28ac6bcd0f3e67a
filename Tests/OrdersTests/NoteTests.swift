import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct NoteTests {
    private struct List: Decodable {
        let items: [OrderNote]
        let nextCursor: String?
    }

    private func write(_ order: OrderFixture, _ text: String, id: UUID = UUID(), of thing: UUID? = nil) async throws -> Reply {
        let body = String(decoding: try JSON.encode(["text": text]), as: UTF8.self)
        return try await order.perform(order.request("orders.notes.create", body, id: id, of: thing)).reply
    }

    private func list(_ order: OrderFixture, _ parameters: [String: String] = [:]) async throws -> List {
        let own = ["id": order.id.uuidString].merging(parameters) { own, _ in own }
        return try await order.harness.ask(Request("orders.notes.list", parameters: own, caller: OrderFixture.admin)).decoded()
    }

    @Test func `notes are written once each and listed newest first, with their authors`() async throws {
        let order = try await OrderFixture()
        let key = UUID()
        for text in ["first", "second\nline", "third"] {
            let reply = try await write(order, text, id: text == "first" ? key : UUID())
            #expect(reply.status == 201 && reply.headers["location"]?.hasSuffix("/notes") == true)
            order.harness.clock.advance(by: 1)
        }
        _ = try await write(order, "first", id: key)
        let page = try await list(order, ["limit": "2"])
        #expect(page.items.map(\.text) == ["third", "second\nline"])
        #expect(page.items.allSatisfy { $0.by == OrderFixture.admin.id.lowerCaseText })
        #expect(try await list(order, ["limit": "2", "cursor": try #require(page.nextCursor)]).items.map(\.text) == ["first"])
        #expect(try await order.view.notes == nil, "the customer does not see them with the order")
        await order.harness.database.close()
    }

    @Test func `no note is written about a customer who has been erased`() async throws {
        let customer = UUID()
        let order = try await OrderFixture(customer: customer)
        for kind in [CheckoutEvent.Kind.stockShort, .cartReopened] { try await order.advance(kind) }
        #expect(try await write(order, "x").status == 201)
        order.harness.clock.advance(by: Customers.longestHold)
        _ = await order.harness.send([try Request(MessageName.eraseInOrders, sending: Customer(userID: customer))])
        let refused = try await write(order, "y")
        #expect(refused.status == 409 && refused.problem?.type.hasSuffix("/customer-erased") == true)
        #expect(try await order.harness.count("SELECT count(*) FROM order_notes") == 0)
        await order.harness.database.close()
    }

    @Test func `a note needs a text of bounded length and an order that exists, and an order has a bounded number`() async throws {
        let order = try await OrderFixture()
        for text in ["", " \n ", String(repeating: "x", count: 2_001), "bell \u{7}"] { #expect(try await write(order, text).status == 422) }
        #expect(try await order.perform(order.request("orders.notes.create", "{}")).reply.problem?.errors?.map(\.field) == ["text"])
        #expect(try await write(order, "x", of: UUID()).status == 404)
        let requests = (0...Notes.maximum).map { order.request("orders.notes.create", #"{"text":"\#($0)"}"#) }
        let statuses = try await order.harness.send(requests).map { try $0.reply.status }
        #expect(statuses.count { $0 == 201 } == Notes.maximum && statuses.last == 409)
        await order.harness.database.close()
    }
}
