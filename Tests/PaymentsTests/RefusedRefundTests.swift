import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// A refund that the gateway rejects for good, or takes back later, waits for an operator: one dead letter, not a message every two minutes.
@Suite struct RefusedRefundTests {
    @Test func `a refused refund is one dead letter, and its replay requests it under a new key`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        let refused = try await fixture.refund(200, id: id)
        #expect(refused.outputs.map(\.key) == [MessageName.advance, MessageName.unresolved])
        let event = try PaymentFixture.event(refused)
        #expect(event.refund?.state == .needsOperator && event.payment?.state == .needsOperator && event.payment?.refunded == 0)

        let letter = try PaymentFixture.letter(refused)
        let failure = await fixture.send(letter).failure
        #expect(failure?.cause == Unresolved.refundRefused && failure?.remedy == .deadLetter)
        fixture.harness.clock.advance(by: 86_400)
        #expect(try await fixture.due("pending refunds").isEmpty, "nothing asks for it again by itself")

        #expect(await fixture.send(letter).failure?.cause == Unresolved.refundRefused, "delivered again, it asks for nothing")
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        let replayed = await fixture.send(Self.replayed(letter))
        #expect(replayed.outputs.map(\.key) == [MessageName.advance, MessageName.performRefund])
        let made = try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id)))
        #expect(made.refund?.state == .succeeded && made.payment?.state == .partlyRefunded)
        #expect(Set(fixture.gateway.state.withLock { $0.refunds }).count == 2)
        await fixture.harness.database.close()
    }

    @Test func `a refused refund leaves its amount to another one, and its replay does not exceed the payment`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        let letter = try PaymentFixture.letter(try await fixture.refund(300))
        _ = await fixture.send(letter)
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        _ = try await fixture.refund(400)
        #expect(await fixture.send(Self.replayed(letter)).failure?.cause == Unresolved.refundRefused)
        #expect(fixture.gateway.state.withLock { $0.movements["pi_1"]?.refunds.map(\.amount) } == [400])
        await fixture.harness.database.close()
    }

    /// The total of another shop's order went on showing a refund that the bank had returned, and did not show those that came late.
    @Test func `a refund that fails days later no longer counts, and needs an operator`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        _ = try await fixture.refund(200, id: id)
        fixture.gateway.change("re_1", to: .failed)
        let received = await fixture.send(PaymentFixture.webhook("refund.failed"))
        #expect(received.outputs.map(\.key) == [MessageName.advance, MessageName.unresolved])
        let event = try PaymentFixture.event(received)
        #expect(event.refund?.state == .needsOperator && event.payment?.refunded == 0)
        #expect(await fixture.send(PaymentFixture.webhook("refund.updated")).outputs.isEmpty, "once")
        _ = await fixture.send(try PaymentFixture.letter(received))
        #expect(await fixture.send(Self.replayed(try PaymentFixture.letter(received))).outputs.map(\.key) == [MessageName.advance, MessageName.performRefund])
        #expect(await fixture.send(PaymentFixture.webhook("charge.refund.updated")).outputs.isEmpty, "the first request's failure is no news of the second")
        let made = try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id)))
        #expect(made.refund?.state == .succeeded && made.payment?.refunded == 200)
        await fixture.harness.database.close()
    }

    @Test func `a pending refund counts at once, and its late end is shown`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.pending) }
        let pending = try PaymentFixture.event(try await fixture.refund(200))
        #expect(pending.refund?.state == .pending && pending.payment?.refunded == 200)
        fixture.gateway.change("re_1", to: .succeeded)
        let event = try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("refund.updated")))
        #expect(event.refund?.state == .succeeded && event.payment?.refunded == 200)
        await fixture.harness.database.close()
    }

    @Test func `the refund of a given up order that fails days later needs an operator, whose replay requests it again`() async throws {
        let fixture = try await PaymentFixture.paid()
        _ = await fixture.send(try PaymentFixture.void())
        fixture.gateway.change("re_1", to: .failed)
        let received = await fixture.send(PaymentFixture.webhook("refund.failed"))
        #expect(received.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
        #expect(try PaymentFixture.event(received).payment?.state == .needsOperator)
        #expect(await fixture.send(try PaymentFixture.letter(received)).outputs.map(\.key) == [MessageName.advance])
        #expect(try await fixture.state == "refunded")
        #expect(fixture.gateway.state.withLock { $0.movements["pi_1"]?.refunds.map(\.status) } == [.succeeded, .failed])
        await fixture.harness.database.close()
    }

    /// No event had to come: the row is looked at while it is pending.
    @Test func `the refund of a given up order that is found failed needs an operator as well`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.pending) }
        _ = await fixture.send(try PaymentFixture.void())
        fixture.gateway.change("re_1", to: .failed)
        let found = await fixture.send(try PaymentFixture.perform(Attempt.idOfRest(PaymentFixture.order)))
        #expect(found.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
        let event = try PaymentFixture.event(found)
        #expect(event.payment?.state == .needsOperator && event.payment?.refunded == 0)
        await fixture.harness.database.close()
    }

    @Test func `a refused part of an order that is given up later waits for nobody once all is returned`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        let letter = try PaymentFixture.letter(try await fixture.refund(200))
        _ = await fixture.send(letter)
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).refund?.state == .failed)
        #expect(try await unresolved(fixture).isEmpty)
        let replayed = await fixture.send(Self.replayed(letter))
        #expect(replayed.failure == nil && replayed.outputs.isEmpty)
        await fixture.harness.database.close()
    }

    @Test func `a refund by hand is in the ledger once, whatever events come in which order`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.refundByHand(200, .pending)
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("refund.updated"))).payment?.refunded == 200)
        #expect(await fixture.send(PaymentFixture.webhook("charge.refunded")).outputs.isEmpty)
        fixture.gateway.refundByHand(200)
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.refunded"))).refund?.state == .succeeded)
        #expect(try await fixture.harness.count("SELECT count(*) FROM refunds WHERE actor = 'gateway'") == 1)
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"amount": 301, "reason": "r"}"#)).reply.status == 409)
        await fixture.harness.database.close()
    }

    @Test func `a refund of nothing at the gateway does not stop the others`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.refundByHand(0, id: "re_nothing")
        fixture.gateway.refundByHand(200)
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.refunded"))).payment?.refunded == 200)
        await fixture.harness.database.close()
    }

    @Test func `a dispute is shown while it lasts and when it is lost, and refunds nothing meanwhile`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.dispute(.open)
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.dispute.created"))).payment?.state == .disputed)
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"reason": "r"}"#)).reply.problem?.type.hasSuffix("/payment-disputed") == true)
        #expect(try await unresolved(fixture).map(\.kind) == [.dispute])
        fixture.gateway.dispute(.won)
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.dispute.closed"))).payment?.state == .succeeded)
        #expect(try await unresolved(fixture).isEmpty)
        fixture.gateway.dispute(.open)
        #expect(await fixture.send(PaymentFixture.webhook("charge.dispute.updated")).outputs.isEmpty, "what has ended stays ended")
        await fixture.harness.database.close()
    }

    @Test func `payments that need a decision are one list, in pages`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        _ = try await fixture.refund(200)
        fixture.gateway.dispute(.open)
        _ = await fixture.send(PaymentFixture.webhook("charge.dispute.created"))
        fixture.gateway.have(.succeeded(intent: "pi_2"))
        #expect(await fixture.send(try PaymentFixture.undo(extra: "pi_2")).failure?.cause == Unresolved.refundRefused)
        let found = try await unresolved(fixture)
        #expect(found.count == 3 && Set(found.map(\.kind)) == [.refund, .dispute, .unclaimed])
        #expect(found.allSatisfy { $0.orderId == PaymentFixture.order.uuidString.lowercased() })

        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        #expect(await fixture.send(try PaymentFixture.undo(extra: "pi_2")).failure == nil)
        #expect(Set(try await unresolved(fixture).map(\.kind)) == [.refund, .dispute])
        await fixture.harness.database.close()
    }

    @Test func `money for an order that was never charged is a dead letter, and unclaimed`() async throws {
        let fixture = try await PaymentFixture()
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        #expect(await fixture.send(PaymentFixture.webhook("payment_intent.succeeded")).failure?.cause == "payment-differs")
        #expect(await fixture.send(PaymentFixture.webhook("charge.refunded")).failure?.cause == "payment-differs")
        let found = try await unresolved(fixture)
        #expect(found.map(\.kind) == [.unclaimed] && found.map(\.amount) == [ScriptedGateway.amount])
        await fixture.harness.database.close()
    }

    /// In pages of one.
    private func unresolved(_ fixture: PaymentFixture) async throws -> [UnresolvedView] {
        try await fixture.list("payments.unresolved.list", ["limit": "1"])
    }

    /// As an operator sends it back.
    private static func replayed(_ letter: Request) -> Request {
        var letter = letter
        letter.isReplay = true
        return letter
    }
}
