import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// Voiding ends when no money is kept, or when an operator must handle it; and no call to the gateway begins unnoticed by it.
@Suite struct VoidTests {
    @Test func `an empty search does not prove that nothing was charged`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        fixture.gateway.state.withLock { $0.knownForCertain = [.succeeded(intent: "pi_1")] }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).detail == VoidResult.refunded.rawValue)
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        await fixture.harness.database.close()
    }

    @Test func `of two payments that a void finds both are undone`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        fixture.gateway.state.withLock { $0.knownForCertain = [.succeeded(intent: "pi_1"), .succeeded(intent: "pi_2")] }
        let received = await fixture.send(try PaymentFixture.void())
        #expect(received.outputs.map(\.key) == [MessageName.undoExtra, MessageName.advance])
        #expect(received.outputs.first?.text.contains("pi_2") == true)
        await fixture.harness.database.close()
    }

    /// The worker stalled, or the search took long: by now a void may have found that nothing was charged.
    @Test func `no call begins when the lease is too short for it`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        let clock = fixture.harness.clock
        fixture.gateway.state.withLock { $0.onFind = { clock.advance(by: Charging.callLease - Charging.longestCall + 1) } }
        #expect(await fixture.send(try PaymentFixture.charge()).failure?.cause == "lease-ended")
        #expect(fixture.gateway.state.withLock { $0.charges.count } == 1)
        await fixture.harness.database.close()
    }

    @Test func `a redelivered charge renews its lease`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.callLease - 1)
        #expect(await fixture.send(try PaymentFixture.charge()).failure?.cause == "gateway-unknown")
        fixture.harness.clock.advance(by: 2)
        #expect(await fixture.send(try PaymentFixture.void()).failure?.cause == "payment-in-flight")
        await fixture.harness.database.close()
    }

    @Test func `a key that the gateway may have forgotten is used only after a certain lookup`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.keyMemory + 1)
        fixture.gateway.state.withLock { $0.knownForCertain = [.succeeded(intent: "pi_1")] }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.charge())).kind == .charged)
        #expect(fixture.gateway.state.withLock { $0.charges.count } == 1)
        await fixture.harness.database.close()
    }

    @Test func `money that arrives while an order is being given up books no sale`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        #expect(await fixture.send(try PaymentFixture.void()).failure?.cause == "payment-in-flight")
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        let received = await fixture.send(PaymentFixture.webhook("payment_intent.succeeded"))
        #expect(received.outputs.map(\.key) == [MessageName.advance])
        await fixture.harness.database.close()
    }

    @Test func `of two voids that are refused at once one makes a dead letter`() async throws {
        let fixture = try await refused()
        let database = fixture.harness.database
        let voiding = Voiding(gateways: Gateways([fixture.gateway]), clock: fixture.harness.clock)
        let item = IncomingMessage(request: try PaymentFixture.void(), input: VoidPayment(orderID: PaymentFixture.order))
        let plan = try #require(try await database.transaction { try await voiding.begin([item], on: $0) }.first)
        let result = try #require(try await voiding.void([(item: item, plan: plan)]).first)
        #expect(await fixture.send(try PaymentFixture.void()).outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
        let outcome = try await database.transaction { try await voiding.complete([(item: item, plan: plan, result: result)], on: $0) }.first
        guard case .done(_, let messages, _)? = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(messages.map(\.destination) == [.request(MessageName.advance)])
        await database.close()
    }

    @Test func `a permanently refused refund needs an operator, and is one dead letter`() async throws {
        let fixture = try await refused()
        let received = await fixture.send(try PaymentFixture.void())
        #expect(received.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
        let event = try PaymentFixture.event(received)
        #expect(event.kind == .paymentUnresolved)
        #expect(event.payment?.state == .needsOperator)

        let letter = try PaymentFixture.letter(received)
        let failure = await fixture.send(letter).failure
        #expect(failure?.cause == Unresolved.refundRefused && failure?.remedy == .deadLetter)

        let asked = fixture.gateway.state.withLock { $0.refunds.count }
        fixture.harness.clock.advance(by: 86_400)
        #expect(try await fixture.due().isEmpty, "nothing asks for it again by itself")
        #expect(await fixture.send(try PaymentFixture.void()).outputs.map(\.key) == [MessageName.advance])
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == asked)
        await fixture.harness.database.close()
    }

    @Test func `a payment of another amount that a void finds is reported once, refunded, and holds up neither goods nor cart`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        fixture.gateway.state.withLock {
            $0.knownForCertain = [.succeeded(intent: "pi_1")]
            $0.amount = Money(amount: 5, currency: "EUR")
        }
        let received = await fixture.send(try PaymentFixture.void())
        #expect(received.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
        #expect(try PaymentFixture.event(received).kind == .paymentUnresolved)
        #expect(await fixture.send(try PaymentFixture.void()).outputs.map(\.key) == [MessageName.advance])
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.letter(received))).payment?.state == .refunded)
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        await fixture.harness.database.close()
    }

    /// Its replay had nothing to refund, and what was refunded at the gateway was never shown.
    @Test func `a payment that a void finds and cannot refund is known from then on`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        fixture.gateway.state.withLock {
            $0.knownForCertain = [.succeeded(intent: "pi_1"), .succeeded(intent: "pi_2")]
            $0.refusesRefunds = true
        }
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        let received = await fixture.send(try PaymentFixture.void())
        #expect(received.outputs.map(\.key) == [MessageName.unresolved, MessageName.undoExtra, MessageName.advance])
        fixture.gateway.refundByHand(200)
        let event = try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.refunded")))
        #expect(event.payment?.state == .needsOperator && event.payment?.refunded == 200)
        fixture.gateway.state.withLock { $0.refusesRefunds = false }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.letter(received))).payment?.state == .refunded)
        await fixture.harness.database.close()
    }

    @Test func `a payment that a call opens after the void is closed, also when its card was declined`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).detail == VoidResult.nothing.rawValue)
        fixture.gateway.have(.declined(intent: "pi_1", code: "generic_decline"))
        let received = await fixture.send(PaymentFixture.webhook("payment_intent.payment_failed"))
        #expect(received.outputs.map(\.key) == [MessageName.void])
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).payment?.state == .cancelled)
        #expect(fixture.gateway.state.withLock { $0.cancellations } == ["pi_1"])
        await fixture.harness.database.close()
    }

    @Test func `when a webhook names another payment while the gateway is asked, the one that was found is undone`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        let database = fixture.harness.database
        fixture.gateway.state.withLock { $0.known = [.succeeded(intent: "pi_1"), .succeeded(intent: "pi_2")] }
        let charging = Charging(gateways: Gateways([fixture.gateway]), clock: fixture.harness.clock)
        let request = try PaymentFixture.charge()
        let item = IncomingMessage(request: request, input: try Charging.read(request))
        let plan = try #require(try await database.transaction { try await charging.begin([item], on: $0) }.first)
        let result = try #require(try await charging.charge([(item: item, plan: plan)]).first)
        fixture.gateway.have(.succeeded(intent: "pi_2"))
        fixture.harness.clock.advance(by: Charging.usualCall)
        _ = await fixture.send(PaymentFixture.webhook("payment_intent.succeeded", intent: "pi_2"))
        let outcome = try #require(
            try await database.transaction { try await charging.complete([(item: item, plan: plan, result: result)], on: $0) }.first)
        guard case .done(_, let messages, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let undone = try messages.filter { $0.destination == .request(MessageName.undoExtra) }.map { try JSON.decode(UndoExtraPayment.self, from: $0.body) }
        #expect(undone.map(\.intent) == ["pi_1"])
        await database.close()
    }

    @Test func `replaying the dead letter retries the refund, under a key that was not refused`() async throws {
        let fixture = try await refused()
        let letter = try PaymentFixture.letter(await fixture.send(try PaymentFixture.void()))
        _ = await fixture.send(letter)
        fixture.gateway.state.withLock { $0.refusesRefunds = false }
        let received = try PaymentFixture.event(await fixture.send(letter))
        #expect(received.kind == .paymentChanged)
        #expect(received.payment?.state == .refunded)
        #expect(received.payment?.refunded == ScriptedGateway.amount.amount)
        let keys = fixture.gateway.state.withLock { $0.refunds }
        #expect(Set(keys).count == keys.count)
        await fixture.harness.database.close()
    }

    @Test func `an unfinished void is repeated at growing intervals, under an id of its own each time`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        _ = await fixture.send(try PaymentFixture.void())
        var pauses: [Double] = []
        var origins: [UUID] = []
        var pause = 0.0
        while pauses.count < 7, pause < 100_000 {
            fixture.harness.clock.advance(by: 10)
            pause += 10
            let due = try await fixture.due()
            guard !due.isEmpty else { continue }
            origins += due.compactMap(\.origin)
            pauses.append(pause)
            pause = 0
        }
        #expect(pauses == pauses.sorted() && Set(pauses).count >= 5)
        #expect(pauses.last.map { $0 <= Store.Unfinished.void.pauses.longest + 10 } == true)
        #expect(Set(origins).count == 7)
        await fixture.harness.database.close()
    }

    @Test func `a charge that the gateway refuses, whatever the card, ends the payment and is one dead letter`() async throws {
        let fixture = try await PaymentFixture()
        fixture.gateway.state.withLock { $0.answer = .failure(.refused("404")) }
        let received = await fixture.send(try PaymentFixture.charge())
        #expect(try PaymentFixture.event(received).kind == .paymentDeclined)
        #expect(await fixture.send(try PaymentFixture.letter(received)).failure?.cause == Charging.refusal)
        #expect(await fixture.send(try PaymentFixture.charge()).outputs.map(\.key) == [MessageName.advance])
        await fixture.harness.database.close()
    }

    @Test func `of two reports of a payment the later one has the higher revision`() async throws {
        let fixture = try await PaymentFixture()
        let first = try #require(try PaymentFixture.event(await fixture.send(try PaymentFixture.charge())).payment)
        let second = try #require(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).payment)
        #expect(first == PaymentReport(state: .succeeded, refunded: 0, revision: first.revision))
        #expect(second == PaymentReport(state: .refunded, refunded: ScriptedGateway.amount.amount, revision: second.revision))
        #expect(second.revision > first.revision)
        await fixture.harness.database.close()
    }

    /// The customer authenticates while the payment is being cancelled.
    @Test func `a payment that changes while it is voided is looked up again`() async throws {
        let fixture = try await PaymentFixture()
        fixture.gateway.state.withLock { $0.answer = .success(.requiresAction(intent: "pi_1", clientSecret: "s")) }
        _ = await fixture.send(try PaymentFixture.charge())
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        let harness = fixture.harness
        fixture.gateway.state.withLock { $0.onCancel = { _ = await harness.send([PaymentFixture.webhook("payment_intent.succeeded")]) } }
        #expect(await fixture.send(try PaymentFixture.void()).failure?.cause == "payment-moved")
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).detail == VoidResult.refunded.rawValue)
        await fixture.harness.database.close()
    }

    @Test func `an attempt that has changed since it was read is not overwritten`() async throws {
        let fixture = try await PaymentFixture.unanswered()
        let database = fixture.harness.database
        let read = try await database.withConnection { try await Store.find([PaymentFixture.order], on: $0) }
        _ = await fixture.send(try PaymentFixture.charge())
        var changed = LockedAttempts(read)
        changed.put(try #require(read[PaymentFixture.order]))
        let attempts = changed
        let error = await #expect(throws: PostgresError.self) {
            try await database.transaction { try await Store.save(attempts, now: fixture.harness.clock.now(), on: $0) }
        }
        #expect(error?.isTransient == true)
        await database.close()
    }

    @Test func `a charge requested with another amount is not answered with the first one`() async throws {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try PaymentFixture.charge())
        let other = try PaymentFixture.charge(Money(amount: 1, currency: "EUR"))
        #expect(await fixture.send(other).failure?.cause == "charge-differs")
        await fixture.harness.database.close()
    }

    /// A successful charge, at a gateway that refunds nothing.
    private func refused() async throws -> PaymentFixture {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try PaymentFixture.charge())
        fixture.gateway.state.withLock { $0.refusesRefunds = true }
        return fixture
    }
}
