import Contracts
import FoundationEssentials
import JSON
import PostgreSQL
import Testing

@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct WaitingTests {
    /// A new order whose requester waits for its end, with the reply to its placing.
    private func placed(waiting seconds: Double?) async throws -> (order: OrderFixture, id: UUID, reply: Reply) {
        let order = try await OrderFixture()
        let id = UUID()
        return (order, id, try await order.place(id, cart: UUID(), waiting: seconds).reply)
    }

    private func answers(_ order: OrderFixture, charged id: UUID) async throws -> [OutgoingMessage] {
        let event = try JSON.encode(CheckoutEvent(orderID: id, kind: .charged))
        return await order.harness.send([Request(id: UUID(), operation: MessageName.advance, body: event)])[0].outputs.filter { $0.isAnswer }
    }

    @Test func `a checkout that is waited for announces a second reply, and gets it when the order settles`() async throws {
        let (order, id, reply) = try await placed(waiting: 10)
        #expect(reply.status == 202)
        #expect(reply.settlesUntil == order.harness.clock.now().addingTimeInterval(10))
        let answer = try #require(try await answers(order, charged: id).first)
        // It may overtake the first reply, so it also has the order's location.
        let location = try #require(reply.headers["location"])
        #expect(location.hasPrefix("/v1/orders/\(id.uuidString.lowercased())?token="))
        #expect(answer.destination == .answer(OrderFixture.requester, status: 200, headers: ["location": location]))
        #expect(answer.text.contains(#""state":"confirmed""#))
        await order.harness.database.close()
    }

    @Test(arguments: [nil, 0, -5] as [Double?]) func `others announce none`(seconds: Double?) async throws {
        let (order, id, reply) = try await placed(waiting: seconds)
        #expect(reply.settlesUntil == nil)
        #expect(try await answers(order, charged: id).isEmpty)
        await order.harness.database.close()
    }

    @Test func `no requester waits for longer than the bound`() async throws {
        let (order, _, reply) = try await placed(waiting: 86_400)
        #expect(reply.settlesUntil == order.harness.clock.now().addingTimeInterval(Store.Waiter.longest))
        await order.harness.database.close()
    }
}
