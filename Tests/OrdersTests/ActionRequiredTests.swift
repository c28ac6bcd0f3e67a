import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

/// An order whose customer has to act: after a grace, the customer is asked once.
@Suite struct ActionRequiredTests {
    private static let report = PaymentReport(state: .requiresAction, refunded: 0, revision: 1)

    private func waiting() async throws -> OrderFixture {
        let order = try await OrderFixture()
        #expect(try await order.advance(.paymentActionRequired, Self.report) == [])
        return order
    }

    /// Handles what the poller finds now.
    private func look(_ order: OrderFixture) async throws -> [OutgoingMessage] {
        let poller = try #require(order.service.pollers.first)
        let found = try await order.harness.database.transaction { try await poller.find($0) }
        return await order.harness.send(try found.map { Request(id: try #require($0.origin), operation: $0.key, body: $0.body) }).flatMap(\.outputs)
    }

    @Test func `a customer who does not act within the grace is asked once, with the time that is left`() async throws {
        let order = try await waiting()
        let (clock, times) = (order.harness.clock, CheckoutTimes())
        let placed = clock.now()
        clock.advance(by: times.grace - 1)
        #expect(try await look(order).isEmpty, "most customers are in the middle of it")
        clock.advance(by: 2)
        let asked = try await look(order)
        #expect(asked.map(\.key) == [MessageName.orderActionRequired])
        let update = try JSON.decode(OrderUpdate.self, from: try #require(asked.first).body)
        #expect(update.expiresAt == placed.addingTimeInterval(times.lifetime) && update.email == "c@wharf.example" && update.locale == "de-AT")
        #expect(try await order.view.state == "requiresAction")
        for _ in 0..<3 {
            clock.advance(by: times.grace)
            #expect(try await look(order).isEmpty)
        }
        // A duplicate of the message that made the order ask.
        #expect(try await order.advance(.overdue) == [])
        #expect(try await order.view.history.count { $0.detail.contains("asking the customer") } == 1)
        clock.advance(by: times.lifetime)
        #expect(try await look(order).map(\.key) == [MessageName.void])
        await order.harness.database.close()
    }

    @Test func `a wake-up meant for the step before does not ask at once, and leaves the reminder for its time`() async throws {
        let order = try await waiting()
        #expect(try await order.advance(.overdue) == [])
        order.harness.clock.advance(by: CheckoutTimes().grace / 2 - 1)
        #expect(try await order.advance(.overdue) == [])
        #expect(try await order.view.history.count { $0.detail.contains("asking the customer") } == 0)
        order.harness.clock.advance(by: CheckoutTimes().grace / 2 + 2)
        #expect(try await look(order).map(\.key) == [MessageName.orderActionRequired])
        await order.harness.database.close()
    }

    @Test(arguments: [CheckoutEvent.Kind.charged, .paymentDeclined]) func `who has acted in time is not asked`(kind: CheckoutEvent.Kind) async throws {
        let order = try await waiting()
        order.harness.clock.advance(by: CheckoutTimes().grace - 1)
        try await order.advance(kind, PaymentReport(state: kind == .charged ? .succeeded : .declined, refunded: 0, revision: 2))
        order.harness.clock.advance(by: 2)
        #expect(try await look(order).allSatisfy { $0.key != MessageName.orderActionRequired })
        await order.harness.database.close()
    }

    @Test func `who has paid, and whose payment the gateway looks into, is not asked`() async throws {
        let order = try await waiting()
        try await order.advance(.paymentChanged, PaymentReport(state: .pending, refunded: 0, revision: 2))
        order.harness.clock.advance(by: CheckoutTimes().grace + 1)
        #expect(try await look(order).isEmpty)
        try await order.advance(.charged, PaymentReport(state: .succeeded, refunded: 0, revision: 3))
        #expect(try await order.view.payment.state == .succeeded)
        await order.harness.database.close()
    }

    @Test func `a payment under review shows its customer no page to visit, until there is one again`() async throws {
        let order = try await OrderFixture()
        func advance(_ kind: CheckoutEvent.Kind, _ secret: String?, _ payment: PaymentReport) async throws {
            let event = CheckoutEvent(orderID: order.id, kind: kind, clientSecret: secret, payment: payment)
            #expect(await order.harness.send([try Request(MessageName.advance, sending: event)])[0].failure == nil)
        }
        try await advance(.paymentActionRequired, "first", PaymentReport(state: .requiresAction, refunded: 0, revision: 1))
        #expect(try await order.view.payment.clientSecret == "first")
        try await advance(.paymentChanged, nil, PaymentReport(state: .pending, refunded: 0, revision: 2))
        #expect(try await order.view.payment.clientSecret == nil)
        try await advance(.paymentChanged, "second", PaymentReport(state: .requiresAction, refunded: 0, revision: 3))
        #expect(try await order.view.payment.clientSecret == "second")
        await order.harness.database.close()
    }

    @Test func `an order that ends sooner than the grace asks nobody`() async throws {
        let order = try await OrderFixture()
        order.harness.clock.advance(by: CheckoutTimes().lifetime - 30)
        try await order.advance(.paymentActionRequired, Self.report)
        order.harness.clock.advance(by: 31)
        #expect(try await look(order).map(\.key) == [MessageName.void])
        await order.harness.database.close()
    }

    @Test func `the first reminder is due after the grace, the end after the lifetime, and never at once`() {
        let (times, placed) = (CheckoutTimes(), Date(timeIntervalSince1970: 1_780_000_000))
        for age in stride(from: 0.0, through: times.lifetime * 2, by: 10) {
            let now = placed.addingTimeInterval(age)
            let first = times.due(.awaitingCustomer, retries: 0, placedAt: placed, now: now)?.timeIntervalSince(now) ?? 0
            let second = times.due(.awaitingCustomer, retries: 1, placedAt: placed, now: now)?.timeIntervalSince(now) ?? 0
            #expect(first == max(min(times.grace, times.lifetime - age), 1))
            #expect(second == max(times.lifetime - age, 1))
        }
    }
}
