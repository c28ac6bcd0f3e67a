import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// An event is a hint. Only the payment as the gateway has it now changes a state.
@Suite struct WebhookEventTests {
    /// The event's type, the gateway's state, and the event that the checkout receives.
    static let hints: [(type: String, now: PaymentStatus, received: CheckoutEvent.Kind?)] = [
        ("payment_intent.succeeded", .succeeded(intent: "pi_1"), .charged),
        ("payment_intent.payment_failed", .declined(intent: "pi_1", code: "generic_decline"), .paymentDeclined),
        ("payment_intent.payment_failed", .succeeded(intent: "pi_1"), .charged),
        ("payment_intent.requires_action", .succeeded(intent: "pi_1"), .charged),
        ("payment_intent.requires_action", .requiresAction(intent: "pi_1", clientSecret: "s"), .paymentActionRequired),
        ("payment_intent.canceled", .cancelled(intent: "pi_1"), .paymentDeclined),
        ("payment_intent.succeeded", .open(intent: "pi_1"), nil),
        ("payment_intent.payment_failed", .open(intent: "pi_1"), nil),
    ]

    @Test(arguments: hints.indices) func `the checkout receives the gateway's state, whatever the event says`(place: Int) async throws {
        let (type, now, kind) = Self.hints[place]
        let fixture = try await unanswered()
        fixture.gateway.have(now)
        let received = await fixture.send(PaymentFixture.webhook(type))
        // Catalog books the sale as soon as it is paid.
        #expect(received.outputs.map(\.key) == (kind == nil ? [] : [MessageName.advance]) + (kind == .charged ? [MessageName.sell] : []))
        if let kind { #expect(try PaymentFixture.event(received).kind == kind) }
        await fixture.harness.database.close()
    }

    /// `payment_intent.created` comes before everything else, and its object has no card yet.
    @Test(arguments: [
        "payment_intent.created", "payment_intent.processing", "payment_intent.partially_funded",
        "charge.succeeded", "charge.failed", "charge.updated", "refund.created", "customer.created", "a.type.of.tomorrow",
    ])
    func `an event of any other type is accepted, and changes nothing`(type: String) async throws {
        let fixture = try await unanswered()
        fixture.gateway.have(.declined(intent: "pi_1", code: "generic_decline"))
        let received = await fixture.send(PaymentFixture.webhook(type))
        #expect(received.failure == nil && received.outputs.isEmpty)
        #expect(fixture.gateway.state.withLock { $0.retrieved.isEmpty })
        #expect(try await fixture.state == "begun")
        await fixture.harness.database.close()
    }

    static let strangers: [(name: String, payment: GatewayPayment?)] = [
        ("another amount", stranger(amount: Money(amount: 1, currency: "EUR"))),
        ("another currency", stranger(amount: Money(amount: 500, currency: "USD"))),
        ("another order", stranger(order: UUID())),
        ("no such payment", nil),
    ]

    private static func stranger(order: UUID = PaymentFixture.order, amount: Money = ScriptedGateway.amount) -> GatewayPayment {
        GatewayPayment(status: .succeeded(intent: "pi_1"), order: order, amount: amount)
    }

    @Test(arguments: strangers.indices) func `a payment that does not fit the order changes nothing, and is a dead letter`(place: Int) async throws {
        let (name, payment) = Self.strangers[place]
        let fixture = try await unanswered()
        fixture.gateway.state.withLock { $0.payments["pi_1"] = payment }
        let failure = await fixture.send(PaymentFixture.webhook("payment_intent.succeeded", status: "succeeded")).failure
        #expect(failure?.cause == "payment-differs" && failure?.remedy == .deadLetter, "\(name)")
        if name == "another amount" { #expect(failure?.detail.contains("0.01 EUR, but 5.00 EUR is to be charged") == true) }
        #expect(try await fixture.state == "begun")
        await fixture.harness.database.close()
    }

    @Test func `an event about another payment, which takes no money, changes nothing and is a dead letter`() async throws {
        let fixture = try await charged()
        fixture.gateway.have(.declined(intent: "pi_2", code: "c"))
        let failure = await fixture.send(PaymentFixture.webhook("payment_intent.payment_failed", intent: "pi_2")).failure
        #expect(failure?.cause == "payment-differs", "an order has one payment")
        #expect(try await fixture.state == "succeeded")
        await fixture.harness.database.close()
    }

    @Test func `a second payment of an order is refunded, and the first one stays`() async throws {
        let fixture = try await charged()
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        fixture.gateway.have(.succeeded(intent: "pi_2"))
        let received = await fixture.send(PaymentFixture.webhook("payment_intent.succeeded", intent: "pi_2"))
        #expect(received.outputs.map(\.key) == [MessageName.undoExtra])
        #expect(try JSON.decode(UndoExtraPayment.self, from: received.outputs.first?.body ?? []).gateway == .stripe)
        #expect(await fixture.send(try PaymentFixture.undo(extra: "pi_2")).failure == nil)
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        #expect(await fixture.send(try PaymentFixture.undo(extra: "pi_1")).failure?.cause == "payment-differs", "its own payment is no extra")
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        #expect(try await fixture.state == "succeeded")
        await fixture.harness.database.close()
    }

    @Test func `a second payment at another gateway is refunded there`() async throws {
        let (own, other, clock) = (ScriptedGateway(), RedirectingGateway(), SetClock())
        let harness = try await ServiceHarness(PaymentsService.definition(gateways: [own, other], clock: clock), PaymentsService.migrations, clock: clock)
        _ = await harness.send([try PaymentFixture.charge()])
        other.put(.captured, "5O9")
        other.state.withLock { $0.orders["5O9"] = PaymentFixture.order }
        #expect(await harness.send([try PaymentFixture.undo(extra: "5O9", at: .paypal)]).first?.failure == nil)
        #expect(other.state.withLock { $0.refunded } == ScriptedGateway.amount.amount)
        #expect(own.state.withLock { $0.refunds } == [])
        await harness.database.close()
    }

    @Test func `a payment of the order at another gateway is undone there, and never treated as the order's payment`() async throws {
        let (own, other, clock) = (ScriptedGateway(), RedirectingGateway(), SetClock())
        let harness = try await ServiceHarness(PaymentsService.definition(gateways: [own, other], clock: clock), PaymentsService.migrations, clock: clock)
        own.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        _ = await harness.send([try PaymentFixture.charge()])
        other.state.withLock { $0.orders["5O9"] = PaymentFixture.order }
        for stage in [RedirectingGateway.Stage.waiting, .captured] {
            other.put(stage, "5O9")
            let received = await harness.send([ApprovalTests.Fixture.webhook(intent: "5O9")])[0]
            #expect(received.outputs.map(\.key) == [MessageName.undoExtra])
            #expect(try JSON.decode(UndoExtraPayment.self, from: received.outputs.first?.body ?? []).gateway == .paypal)
        }
        other.put(.declined, "5O9")
        #expect(await harness.send([ApprovalTests.Fixture.webhook(intent: "5O9")])[0].failure?.cause == "payment-differs")
        #expect(try await harness.count("SELECT count(*) FROM attempts WHERE state = 'begun' AND intent_id IS NULL") == 1)
        await harness.database.close()
    }

    @Test func `a refund in the gateway's dashboard is shown by the order`() async throws {
        let fixture = try await charged()
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        fixture.gateway.refundByHand(200)
        let received = try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.refunded")))
        #expect(received.kind == .paymentChanged)
        #expect(received.payment?.state == .partlyRefunded)
        #expect(received.payment?.refunded == 200)
        await fixture.harness.database.close()
    }

    /// Two events of one payment in two workers: each must build on what the other has stored.
    @Test func `two concurrent events both count, at once`() async throws {
        let fixture = try await charged()
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        fixture.gateway.refundByHand(200)
        let requests = [PaymentFixture.webhook("charge.refunded"), PaymentFixture.webhook("charge.dispute.created")]
        let results = Results()
        let standOff = StandOff(database: fixture.harness.database, hold: "SELECT FROM attempts FOR UPDATE")
        let rollbacks = try await standOff.rollbacks {
            results.add(await fixture.send(requests[0]))
        } and: {
            results.add(await fixture.send(requests[1]))
        }
        #expect(rollbacks == 0, "the second waits for the first, and need not be tried again")
        #expect(results.all.map { $0.failure } == [nil, nil])
    }

    /// A charge whose answer never arrived, and is no longer expected.
    private func unanswered() async throws -> PaymentFixture {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.usualCall)
        return fixture
    }

    @Test func `an event that comes before the answer of the call that it is about is left to that answer`() async throws {
        let fixture = try await PaymentFixture()
        let harness = fixture.harness
        fixture.gateway.state.withLock { state in
            state.onCharge = {
                let told = await harness.send([PaymentFixture.webhook("payment_intent.succeeded")])[0]
                #expect(told.failure == nil && told.outputs.isEmpty)
            }
        }
        let told = await fixture.send(try PaymentFixture.charge())
        #expect(told.outputs.map(\.key) == [MessageName.advance, MessageName.sell])
        #expect(fixture.gateway.state.withLock { $0.retrieved.isEmpty })
        let remembered = try await fixture.harness.database.withConnection { try await $0.query("SELECT count(*) AS count FROM inbox") }
        #expect(try remembered.first?.decode("count", as: Int.self) == 1, "what changes nothing is not written down")
        await fixture.harness.database.close()
    }

    private func charged() async throws -> PaymentFixture {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try PaymentFixture.charge())
        return fixture
    }
}
