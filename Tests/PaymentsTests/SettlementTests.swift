import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// What an operator has done about money that the gateway does not return ends the wait for a decision.
@Suite struct SettlementTests {
    private func settle(_ id: String, _ settlement: String = "refundedElsewhere", as caller: Caller = Caller(id: UUID(), role: .admin)) -> Request {
        Request(
            id: UUID(), operation: "payments.unresolved.settle", parameters: ["id": id], caller: caller,
            body: Array(#"{"settlement": "\#(settlement)", "note": "by bank transfer"}"#.utf8), requester: Requester(replyTo: "replies.test", correlationID: "1"))
    }

    private func unresolved(_ fixture: PaymentFixture) async throws -> [UnresolvedView] { try await fixture.list("payments.unresolved.list", [:]) }

    private func replayed(_ letter: Request) -> Request {
        var letter = letter
        letter.isReplay = true
        return letter
    }

    /// A given up order whose refund the gateway rejects.
    private func kept() async throws -> (fixture: PaymentFixture, letter: Request) {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        return (fixture, try PaymentFixture.letter(await fixture.send(try PaymentFixture.void())))
    }

    @Test(arguments: ["refundedElsewhere", "writtenOff"])
    func `a refund of a part that the gateway rejects is settled by hand`(settlement: String) async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        let letter = try PaymentFixture.letter(try await fixture.refund(200, id: id))
        let operatorID = UUID()
        let settled = await fixture.send(settle(id.uuidString, settlement, as: Caller(id: operatorID, role: .admin, email: "ada@shop.example")))
        let view: SettlementView = try settled.reply.decoded()
        #expect(view.kind == .refund && view.amount.amount == 200 && view.note == "by bank transfer" && view.settlement.rawValue == settlement)
        #expect(view.by == "ada@shop.example (\(operatorID.uuidString.lowercased()))" && view.at == fixture.harness.clock.now())
        let event = try PaymentFixture.event(settled)
        #expect(event.refund?.state == .failed && event.refund?.settlement?.rawValue == settlement)
        #expect(event.payment?.state == .succeeded && event.payment?.refunded == 0, "the gateway has refunded nothing")
        #expect(event.detail?.contains("by bank transfer") == false, "the note is not for the customer")
        #expect(try await unresolved(fixture).isEmpty)
        #expect(try await fixture.harness.count("SELECT count(*) FROM settlements WHERE note = 'by bank transfer' AND actor LIKE 'ada%'") == 1)

        let replay = await fixture.send(replayed(letter))
        #expect(replay.failure == nil && replay.outputs.isEmpty, "the dead letter ends when it is replayed")
        #expect(try await fixture.send(settle(id.uuidString)).reply.status == 404, "it is settled once")
        await fixture.harness.database.close()
    }

    /// Otherwise the customer would get more than was paid.
    @Test func `what was refunded elsewhere cannot be refunded by the gateway as well`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        _ = try await fixture.refund(200, id: id)
        _ = await fixture.send(settle(id.uuidString))
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        let refused = try await fixture.send(PaymentFixture.refund(over: #"{"amount": 301, "reason": "r"}"#)).reply
        #expect(refused.problem?.type.hasSuffix("/refund-exceeds-payment") == true)
        let voided = await fixture.send(try PaymentFixture.void())
        #expect(voided.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance], "the rest is for an operator")
        #expect(try PaymentFixture.event(voided).payment?.state == .needsOperator)
        _ = await fixture.send(replayed(try PaymentFixture.letter(voided)))
        #expect(fixture.gateway.state.withLock { $0.movements["pi_1"]?.refunds.isEmpty ?? true })
        await fixture.harness.database.close()
    }

    @Test(arguments: ["order", "payment"]) func `the payment of a given up order is settled by its order or its own name`(by name: String) async throws {
        let (fixture, letter) = try await kept()
        #expect(try await fixture.state == "needsOperator")
        fixture.harness.clock.advance(by: 86_400)
        #expect(try await fixture.due().isEmpty, "nothing asks for it again by itself")
        let settled = await fixture.send(settle(name == "order" ? PaymentFixture.order.uuidString : "pi_1", "writtenOff"))
        #expect(try settled.reply.status == 200)
        let event = try PaymentFixture.event(settled)
        #expect(event.kind == .paymentChanged && event.detail == "settled by an operator: written off")
        #expect(event.payment?.state == .succeeded && event.payment?.refunded == 0, "what the gateway has")
        #expect(try await fixture.state == "settled")
        #expect(try await unresolved(fixture).isEmpty)

        #expect(await fixture.send(replayed(letter)).failure == nil)
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.void())).kind == .paymentVoided)
        #expect(try await fixture.state == "settled", "a second void changes nothing")
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        await fixture.harness.database.close()
    }

    @Test func `a settled payment that the gateway returns after all is refunded`() async throws {
        let (fixture, _) = try await kept()
        _ = await fixture.send(settle("pi_1"))
        fixture.gateway.refundByHand(500)
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.refunded"))).payment?.state == .refunded)
        await fixture.harness.database.close()
    }

    @Test func `a payment is not settled by hand while the gateway may be returning it`() async throws {
        let (fixture, letter) = try await kept()
        fixture.gateway.state.withLock { $0.refundAnswer = .vanished }
        #expect(await fixture.send(replayed(letter)).failure?.remedy == .retry)
        #expect(try await fixture.send(settle("pi_1")).reply.problem?.type.hasSuffix("/payment-in-flight") == true)
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        #expect(await fixture.send(replayed(letter)).failure?.remedy == .deadLetter)
        #expect(try await fixture.send(settle("pi_1")).reply.status == 200, "the gateway has answered")
        await fixture.harness.database.close()
    }

    @Test func `a refund that the gateway makes while an operator settles the payment is not lost`() async throws {
        let (fixture, letter) = try await kept()
        let settling = settle("pi_1", "writtenOff")
        fixture.gateway.state.withLock {
            $0.refundAnswer = .made(.succeeded)
            $0.onRefund = {
                // A call that takes longer than any should.
                fixture.harness.clock.advance(by: Charging.callLease + 1)
                #expect((try? await fixture.send(settling).reply.status) == 200)
            }
        }
        #expect(try PaymentFixture.event(await fixture.send(replayed(letter))).payment?.state == .refunded)
        #expect(try await fixture.state == "refunded")
        await fixture.harness.database.close()
    }

    @Test func `a refund that the gateway makes after all is no longer one that was made elsewhere`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        _ = try await fixture.refund(200, id: id)
        _ = await fixture.send(settle(id.uuidString))
        fixture.gateway.state.withLock {
            $0.refundAnswer = .made(.succeeded)
            $0.movements["pi_1"] = GatewayMovements(refunds: [.init(id: "re_late", refundID: id, amount: 200, status: .succeeded)])
        }
        #expect(try PaymentFixture.event(await fixture.send(PaymentFixture.webhook("charge.refunded"))).refund?.state == .succeeded)
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"amount": 300, "reason": "r"}"#)).reply.status == 202)
        await fixture.harness.database.close()
    }

    @Test func `an operator's note about a payment is not in the order's history`() async throws {
        let (fixture, _) = try await kept()
        _ = await fixture.send(settle("pi_1"))
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.charge())).detail == "settled by an operator")
        await fixture.harness.database.close()
    }

    @Test func `an order with several open decisions needs the name of one, and a dispute is the bank's`() async throws {
        let fixture = try await PaymentFixture.paid()
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        _ = try await fixture.refund(100)
        _ = try await fixture.refund(100)
        fixture.gateway.dispute(.open)
        _ = await fixture.send(PaymentFixture.webhook("charge.dispute.created"))
        let several = try await fixture.send(settle(PaymentFixture.order.uuidString)).reply
        #expect(several.status == 409 && several.problem?.type.hasSuffix("/several-unresolved") == true)
        #expect(try await fixture.send(settle("dp_1")).reply.problem?.type.hasSuffix("/payment-disputed") == true)
        #expect(try await fixture.send(settle("pi_9")).reply.status == 404)
        #expect(try await fixture.send(settle("pi_1", "nothingLeft")).reply.status == 422)
        await fixture.harness.database.close()
    }

    @Test func `of two decisions about the same payment in one batch, the first counts`() async throws {
        let (fixture, _) = try await kept()
        let results = await fixture.harness.send([settle("pi_1"), settle(PaymentFixture.order.uuidString, "writtenOff")])
        #expect(try results.map { try $0.reply.status } == [200, 404])
        #expect(try await fixture.harness.count("SELECT count(*) FROM settlements") == 1)
        await fixture.harness.database.close()
    }

    @Test func `unclaimed money is settled by the payment's name`() async throws {
        let fixture = try await PaymentFixture()
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        _ = await fixture.send(PaymentFixture.webhook("payment_intent.succeeded"))
        #expect(try await fixture.send(settle("pi_1")).reply.status == 200)
        #expect(try await unresolved(fixture).isEmpty)
        await fixture.harness.database.close()
    }

    /// An attempt that only forbade a charge had no amount: the money that a late call took counted as returned as soon as its refund was rejected.
    @Test func `money that was taken after the void is kept until an operator decides, whatever the attempt was about`() async throws {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try PaymentFixture.void())
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        #expect(await fixture.send(PaymentFixture.webhook("payment_intent.succeeded")).outputs.map(\.key) == [MessageName.void])
        fixture.gateway.state.withLock { $0.refundAnswer = .refused }
        _ = await fixture.send(try PaymentFixture.void())
        fixture.gateway.refundByHand(200)
        _ = await fixture.send(PaymentFixture.webhook("charge.refunded"))
        #expect(try await fixture.state == "needsOperator")
        #expect(try await unresolved(fixture).map(\.amount.amount) == [300])
        fixture.gateway.refundByHand(300, id: "re_rest")
        _ = await fixture.send(PaymentFixture.webhook("charge.refunded"))
        #expect(try await fixture.state == "refunded")
        await fixture.harness.database.close()
    }
}
