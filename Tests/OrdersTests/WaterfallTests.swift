import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct WaterfallTests {
    /// An inbox of another service, for the messages that orders has sent it.
    private actor Catalog {
        private(set) var asked: [[UUID]] = []
        let reserved: [UUID: [InboxTrail.Output]]

        init(reserved: [UUID: [InboxTrail.Output]]) { self.reserved = reserved }

        func reply(_ request: Request, at time: Date) throws -> Reply {
            let query = try JSON.decode(InboxQuery.self, from: request.body)
            asked.append(query.messages)
            let handled = query.messages.compactMap { id in reserved[id].map { InboxTrail.Handled(id: id, at: time, sent: $0) } }
            return try Reply(json: InboxAnswer(handled: handled.map(\.id), trail: handled))
        }
    }

    @Test func `messages are followed from the one that placed the order through the inboxes of other services, and a silent service is named`() async throws {
        let order = try await OrderFixture()
        order.harness.clock.advance(by: 2)
        let charged = try order.request(.charged, PaymentReport(state: .succeeded, refunded: 0, revision: 1))
        _ = await order.harness.send([charged])
        let database = order.harness.database
        let (rows, records) = try await database.withConnection { (try await Store.find([order.id], on: $0), try await CheckoutStore.records(of: [order.id], on: $0)) }
        let (row, record) = (try #require(rows[order.id]), try #require(records[order.id]))
        let placing = try #require(record.placedBy)
        let placed = try #require(try await database.withConnection { try await InboxTrail.find([placing], on: $0) }[placing])
        let reserve = try #require(placed.sent.first)
        #expect(reserve.operation == MessageName.reserve)
        let charge = UUID()
        let catalog = Catalog(reserved: [reserve.id: [.init(id: charge, operation: MessageName.charge, isEvent: false)]])
        let handledAt = placed.at.addingTimeInterval(0.25)
        let inboxes = Inboxes(
            ask: { request, _, _ in
                if request.operation == "payments.inbox.find" { throw RequestClient.Unanswered.timedOut }
                return try await catalog.reply(request, at: handledAt)
            }, randomness: TestRandomness())
        let waterfall = try await Waterfall.following(row, record, in: database, asking: inboxes)
        #expect(waterfall.unanswered == ["payments"])
        #expect(waterfall.messages.map(\.operation) == [MessageName.place, MessageName.reserve, MessageName.charge, MessageName.advance, MessageName.orderConfirmed])
        #expect(waterfall.messages.map(\.depth) == [0, 1, 2, 0, 1])
        #expect(waterfall.messages.map(\.milliseconds) == [nil, 250, nil, nil, nil])
        #expect(waterfall.messages.map { $0.handledAt != nil } == [true, true, false, true, false], "the charge waits, as far as anyone knows")
        #expect(await catalog.asked.flatMap(\.self).contains(placing) == false, "only a service that a message may have gone to is asked about it")
        await database.close()
    }

    @Test func `messages that lead to each other end the walk, and no more are kept than fit a page`() {
        let (first, second) = (UUID(), UUID())
        var circle = Waterfall(maximum: 10)
        circle.addRoot(first, operation: "a.b")
        for (from, to) in [(first, second), (second, first)] {
            circle.learn([.init(id: from, at: Date(), sent: [.init(id: to, operation: "a.b", isEvent: false)])], of: "a")
        }
        #expect(circle.messages.isEmpty)
        var many = Waterfall(maximum: 10)
        many.addRoot(first, operation: "a.b")
        many.learn([.init(id: first, at: Date(), sent: (0..<100).map { _ in .init(id: UUID(), operation: "a.b", isEvent: false) })], of: "a")
        #expect(many.messages.count == 10)
    }
}
