import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct AdvancingTests {
    private func report(_ state: PaymentState, refunded: Int = 0, _ revision: Int) -> PaymentReport {
        PaymentReport(state: state, refunded: refunded, revision: revision)
    }

    @Test func `the events of an order say in which language its customer is written to`() async throws {
        let order = try await OrderFixture()
        try await order.take(.stockReserved)
        let outputs = await order.harness.send([try order.request(.charged)])[0].outputs
        #expect(try JSON.decode(OrderSettled.self, from: try #require(outputs.first).body).locale == "de-AT")
        await order.harness.database.close()
    }

    /// Given up, charged after all, refunded.
    @Test func `an order that has ended shows the later state of its payment`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.stockReserved)
        try await order.advance(.paymentDeclined, report(.declined, 2))
        try await order.take(.stockReleased, .cartReopened)
        #expect(try await order.view.payment.state == .declined)
        #expect(try await order.advance(.charged, report(.succeeded, 3)) == [MessageName.void])
        #expect(try await order.view.payment.state == .succeeded)
        #expect(try await order.advance(.paymentVoided, report(.refunded, refunded: 100, 4)) == [])
        let view = try await order.view
        #expect(view.state == "rejected" && view.payment.state == .refunded && view.refunded.amount == 100)
        await order.harness.database.close()
    }

    @Test func `of two reports the newer one is shown, whichever arrives first`() async throws {
        let order = try await OrderFixture()
        try await order.advance(.stockReserved)
        try await order.advance(.paymentChanged, report(.partlyRefunded, refunded: 40, 5))
        try await order.advance(.charged, report(.succeeded, 3))
        let view = try await order.view
        #expect(view.payment.state == .partlyRefunded && view.refunded.amount == 40)
        #expect(view.history.last?.detail == "payment succeeded", "the saga goes on all the same")
        await order.harness.database.close()
    }

    /// Charged after the order was given up, refunded by the void, and shown so at the gateway.
    @Test(arguments: [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]])
    func `an order that was given up shows the payment as the gateway has it, in whatever order its reports arrive`(arrival: [Int]) async throws {
        let order = try await OrderFixture()
        try await order.take(.stockShort, .cartReopened)
        #expect(try await order.view.payment.state == .cancelled)
        let events: [Int: (CheckoutEvent.Kind, PaymentReport)] = [
            1: (.charged, report(.succeeded, 1)), 2: (.paymentVoided, report(.refunded, refunded: 100, 2)), 3: (.paymentChanged, report(.refunded, refunded: 100, 3)),
        ]
        for place in arrival + arrival {
            let (kind, report) = try #require(events[place])
            try await order.advance(kind, report)
        }
        let view = try await order.view
        #expect(view.state == "rejected" && view.reason == "outOfStock" && view.payment.state == .refunded && view.refunded.amount == 100)
        #expect(view.payment.clientSecret == nil)
        await order.harness.database.close()
    }

    @Test func `the confirmation leaves with the report of the payment`() async throws {
        let order = try await OrderFixture()
        #expect(try await order.advance(.charged, report(.succeeded, 2)) == [MessageName.orderConfirmed])
        #expect(try await order.advance(.stockCommitted) == [], "an earlier catalog reports the sale, too")
        let view = try await order.view
        #expect(view.state == "confirmed" && view.payment.state == .succeeded)
        #expect(view.history.map(\.state) == ["placed", "charging", "confirmed"])
        #expect(try await order.overdue().isEmpty)
        await order.harness.database.close()
    }

    @Test func `a confirmed order whose reservation is gone is taken back, unless it has been shipped: then an operator learns of it`() async throws {
        let lost = try await OrderFixture()
        try await lost.confirm()
        #expect(try await lost.advance(.reservationLost) == [MessageName.void])
        #expect(try await lost.view.reason == "outOfStock")
        await lost.harness.database.close()
        let overtaken = try await OrderFixture()
        #expect(try await overtaken.advance(.reservationLost) == [MessageName.void])
        #expect(try await overtaken.advance(.charged, report(.succeeded, 2)) == [], "the void is on its way")
        await overtaken.harness.database.close()
        let shipped = try await OrderFixture()
        try await shipped.confirm()
        #expect(try await shipped.ship().reply.status == 201)
        let result = await shipped.harness.send([try shipped.request(.reservationLost)])[0]
        #expect(result.failure?.cause == "reservation-lost" && result.failure?.remedy == .deadLetter)
        #expect(try await shipped.view.state == "shipped")
        await shipped.harness.database.close()
    }

    @Test func `the payment of an order that was never charged is cancelled`() async throws {
        let order = try await OrderFixture()
        try await order.take(.stockShort, .cartReopened)
        let view = try await order.view
        #expect(view.state == "rejected" && view.payment.state == .cancelled)
        await order.harness.database.close()
    }

    @Test func `money that is kept against the shop's intent is shown as such`() async throws {
        let order = try await OrderFixture()
        try await order.take(.stockReserved, .charged, .reservationLost)
        try await order.advance(.paymentUnresolved, report(.needsOperator, 4))
        try await order.take(.stockReleased, .cartReopened)
        let view = try await order.view
        #expect(view.state == "rejected" && view.payment.state == .needsOperator)
        await order.harness.database.close()
    }

    @Test func `the stock of an order that has ended is settled when the catalog still holds it, and nothing else changes`() async throws {
        let rejected = try await OrderFixture()
        try await rejected.take(.stockShort, .cartReopened)
        let confirmed = try await OrderFixture()
        try await confirmed.take(.charged)
        for (order, step) in [(rejected, MessageName.release), (confirmed, MessageName.sell)] {
            let before = try await order.view
            for _ in 1...2 { #expect(try await order.advance(.stockReserved) == [step]) }
            let view = try await order.view
            #expect(view.state == before.state && view.history.count == before.history.count)
            await order.harness.database.close()
        }
    }

    @Test func `a repeated step is counted, and adds no history`() async throws {
        let order = try await OrderFixture()
        let before = try await order.view.history.count
        for _ in 1...50 { #expect(try await order.advance(.overdue) == [MessageName.reserve]) }
        #expect(try await order.view.history.count == before)
        #expect(try await order.harness.count("SELECT redrives::bigint FROM checkouts") == 50)
        await order.harness.database.close()
    }

    @Test func `an overdue step is found under the same id until it has been repeated`() async throws {
        let order = try await OrderFixture()
        order.harness.clock.advance(by: 11)
        let first = try await order.overdue()
        #expect(try await order.overdue().isEmpty, "it is left to the worker that has the message")
        order.harness.clock.advance(by: Advancing.lease + 1)
        #expect(try await order.overdue() == first, "the message still waits, and another one would be a second time")
        #expect(first.count == 1 && first.allSatisfy { $0 != nil })
        try await order.advance(.overdue)
        order.harness.clock.advance(by: 60)
        let second = try await order.overdue()
        #expect(second.count == 1 && second != first)
        await order.harness.database.close()
    }

    @Test func `the look for overdue sagas does not wait for busy ones`() async throws {
        let order = try await OrderFixture()
        order.harness.clock.advance(by: 11)
        let poller = try #require(order.service.pollers.first)
        let found = try await order.harness.database.transaction { busy in
            try await busy.execute("SELECT FROM checkouts FOR UPDATE")
            return try await order.harness.database.transaction { transaction in
                try await transaction.execute("SET LOCAL lock_timeout = '2s'")
                return try await poller.find(transaction).count
            }
        }
        #expect(found == 0)
        await order.harness.database.close()
    }

    /// Two workers with an event each: both read, then both write.
    @Test func `two concurrent events of one order both count, at once`() async throws {
        let order = try await OrderFixture()
        let requests = [try order.request(.stockReserved), try order.request(.paymentChanged, report(.pending, refunded: 1, 1))]
        let results = Results()
        let standOff = StandOff(database: order.harness.database, hold: "SELECT FROM checkouts FOR UPDATE")
        let rollbacks = try await standOff.rollbacks {
            results.add(await order.harness.send([requests[0]])[0])
        } and: {
            results.add(await order.harness.send([requests[1]])[0])
        }
        #expect(rollbacks == 0, "the second waits for the first, and need not be tried again")
        #expect(results.all.map(\.failure) == [nil, nil])
    }

    @Test func `a row that has changed since it was read is not overwritten`() async throws {
        let order = try await OrderFixture()
        let database = order.harness.database
        let read = try await database.withConnection { try await Store.find([order.id], on: $0) }
        let row = try #require(read[order.id])
        try await order.advance(.stockReserved)
        let error = await #expect(throws: PostgresError.self) {
            try await database.transaction { try await Store.save([row], due: [nil], on: $0) }
        }
        #expect(error?.isTransient == true)
        #expect(try await order.view.history.last?.state == "charging")
        await database.close()
    }

    @Test func `of the orders of a cart one counts, and one that is given up makes room for the next`() async throws {
        let order = try await OrderFixture()
        #expect(try await order.place(UUID()).failure?.cause == "order-exists")
        #expect(try await order.advance(.stockShort) == [MessageName.reopenCart])
        #expect(try await order.place(UUID()).failure == nil)
        #expect(try await order.place(UUID()).failure?.cause == "order-exists")
        await order.harness.database.close()
    }
}
