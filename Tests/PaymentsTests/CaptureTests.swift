import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// Payments that are authorized at the checkout and captured at the shipment, at the Stripe sandbox.
@Suite struct CaptureTests {
    private func capture(_ order: UUID) throws -> Request { try Request(MessageName.capture, sending: CapturePayment(orderID: order)) }
    private func void(_ order: UUID) throws -> Request { try Request(MessageName.void, sending: VoidPayment(orderID: order)) }

    private func webhook(_ shop: SandboxShop, _ type: String, of order: UUID) async throws -> BatchHandler.Result {
        let body = #"{"id": "\#(UUID())", "type": "\#(type)", "data": {"object": {"id": "\#(try await shop.intent(of: order))", "metadata": {"order_id": "\#(order)"}}}}"#
        return await shop.harness.send([Request(id: UUID(), operation: "payments.webhooks.stripe", body: Array(body.utf8))])[0]
    }

    @Test func `an authorized payment confirms its order, and is captured once, however often that is requested`() async throws {
        try await SandboxShop.run(isCapturedLater: true) { shop in
            let order = UUID()
            let step = ChargeOrder(
                orderID: order, amount: ScriptedGateway.amount, payment: PaymentChoice(gateway: .stripe, paymentMethod: "pm_card_visa"), orderNumber: "W-1")
            let charged = await shop.harness.send([try Request(MessageName.charge, sending: step)])[0]
            #expect(charged.outputs.map(\.key) == [MessageName.advance, MessageName.sell], "the sale is booked as if it were paid")
            #expect(try PaymentFixture.event(charged).kind == .charged && PaymentFixture.event(charged).payment?.state == .authorized)
            #expect(try await shop.attempt(of: order).captured == 0)
            #expect(try await shop.harness.send(PaymentFixture.refund(over: #"{"reason": "r"}"#, order: order)).problem?.type.hasSuffix("/nothing-captured") == true)

            let captured = try PaymentFixture.event(await shop.harness.send([try capture(order)])[0])
            #expect(captured.kind == .paymentChanged && captured.payment?.state == .succeeded)
            #expect(await shop.harness.send([try capture(order)])[0].outputs.isEmpty)
            #expect(try await webhook(shop, "payment_intent.succeeded", of: order).outputs.isEmpty)
            #expect(try await shop.attempt(of: order).captured == 500)
            #expect(try await shop.harness.send(PaymentFixture.refund(over: #"{"reason": "r"}"#, order: order)).status == 202)
        }
    }

    @Test func `an authorization of an order that is given up is cancelled, and nothing is captured after that`() async throws {
        try await SandboxShop.run(isCapturedLater: true) { shop in
            let order = try await shop.pay()
            let voided = try PaymentFixture.event(await shop.harness.send([try void(order)])[0])
            #expect(voided.kind == .paymentVoided && voided.voidResult == .cancelled && voided.payment?.state == .cancelled)
            #expect(await shop.harness.send([try capture(order)])[0].outputs.isEmpty)
            #expect(try await shop.attempt(of: order).captured == 0)
        }
    }

    @Test func `a part that was captured at the dashboard is all that can be refunded`() async throws {
        try await SandboxShop.run(isCapturedLater: true) { shop in
            let start = shop.harness.clock.now()
            let order = try await shop.pay()
            try await shop.atStripe("payment_intents/\(shop.intent(of: order))/capture", "amount_to_capture=300")
            let event = try PaymentFixture.event(try await webhook(shop, "payment_intent.succeeded", of: order))
            #expect(event.payment?.state == .succeeded)
            #expect(try await shop.attempt(of: order).captured == 300)
            let refund = CreateRefund(refundID: UUID(), orderID: order, amount: 301, reason: "r", actor: "orders")
            #expect(try PaymentFixture.event(await shop.harness.send([try Request(MessageName.createRefund, sending: refund)])[0]).refund?.state == .needsOperator)
            shop.harness.clock.advance(by: 240)
            #expect(try await shop.reconcile(since: start)?.isClean == true)
            let voided = try PaymentFixture.event(await shop.harness.send([try void(order)])[0])
            #expect(voided.payment?.state == .refunded && voided.payment?.refunded == 300)
        }
    }

    /// The parcel is on its way, so the shipment stands, and an operator has to know.
    @Test func `a shipped order whose authorization has ended needs an operator`() async throws {
        try await SandboxShop.run(isCapturedLater: true) { shop in
            let order = try await shop.pay()
            try await shop.atStripe("payment_intents/\(shop.intent(of: order))/cancel")
            let failed = await shop.harness.send([try capture(order)])[0]
            #expect(failed.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
            #expect(try PaymentFixture.event(failed).payment?.state == .needsOperator)
            #expect(try await shop.attempt(of: order).state == .uncaptured)
            shop.harness.clock.advance(by: 7_200)
            #expect(await shop.harness.send([try capture(order)])[0].outputs.isEmpty, "nothing asks for it again by itself")

            let letter = try PaymentFixture.letter(failed)
            #expect(await shop.harness.send([letter])[0].failure?.cause == Capturing.refused)
            let settle = Request(
                id: UUID(), operation: "payments.unresolved.settle", parameters: ["id": order.uuidString], caller: Caller(id: UUID(), role: .admin),
                body: Array(#"{"settlement": "writtenOff", "note": "paid in cash"}"#.utf8), requester: Requester(replyTo: "replies.test", correlationID: "1"))
            let settled = await shop.harness.send([settle])[0]
            #expect(try settled.reply.status == 200)
            #expect(try PaymentFixture.event(settled).payment?.state == .cancelled, "what the gateway has")
        }
    }

    @Test func `an authorization that ends before anything is shipped is one dead letter, whose replay ends it`() async throws {
        try await SandboxShop.run(isCapturedLater: true) { shop in
            let order = try await shop.pay()
            try await shop.atStripe("payment_intents/\(shop.intent(of: order))/cancel")
            let ended = try await webhook(shop, "payment_intent.canceled", of: order)
            #expect(ended.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
            #expect(try PaymentFixture.event(ended).payment?.state == .cancelled)
            var letter = try PaymentFixture.letter(ended)
            #expect(await shop.harness.send([letter])[0].failure?.cause == Capturing.ended)
            letter.isReplay = true
            #expect(await shop.harness.send([letter])[0].failure == nil)
        }
    }

    @Test func `goods that are shipped after the authorization has ended need an operator`() async throws {
        try await SandboxShop.run(isCapturedLater: true) { shop in
            let order = try await shop.pay()
            try await shop.atStripe("payment_intents/\(shop.intent(of: order))/cancel")
            _ = try await webhook(shop, "payment_intent.canceled", of: order)
            #expect(try await shop.attempt(of: order).state == .voided)
            let shipped = await shop.harness.send([try capture(order)])[0]
            #expect(shipped.outputs.map(\.key) == [MessageName.unresolved, MessageName.advance])
            #expect(try PaymentFixture.event(shipped).payment?.state == .needsOperator)
            #expect(try await shop.attempt(of: order).state == .uncaptured)
            #expect(try await shop.attempt(of: order).refunded == 0, "what was released was never taken")
            #expect(await shop.harness.send([try capture(order)])[0].outputs.isEmpty, "an operator is told once")
            shop.harness.clock.advance(by: 3_600)
            #expect(try await shop.reconcile(since: shop.harness.clock.now().addingTimeInterval(-7_200))?.isClean == true)
            let refund = CreateRefund(refundID: UUID(), orderID: order, amount: 200, reason: "r", actor: "orders")
            let returned = try PaymentFixture.event(await shop.harness.send([try Request(MessageName.createRefund, sending: refund)])[0]).refund
            #expect(returned?.state == .failed && returned?.settlement == .nothingLeft, "nothing was taken that could go back")
        }
    }

    @Test func `a refund waits for the capture, even if the request to capture arrives later`() async throws {
        let fixture = try await PaymentFixture(isCapturedLater: true)
        fixture.gateway.state.withLock { ($0.answer, $0.captureAnswer) = (.success(.authorized(intent: "pi_1")), .failure(.unknown("timed out"))) }
        _ = await fixture.send(try PaymentFixture.charge())
        let id = UUID()
        let earliest = await fixture.send(try PaymentFixture.refund(200, id: id)).failure
        #expect(await fixture.send(try capture(PaymentFixture.order)).failure != nil)
        let early = await fixture.send(try PaymentFixture.refund(200, id: id)).failure
        #expect(earliest?.cause == "not-captured-yet" && earliest?.remedy == .retry)
        #expect(early?.cause == "not-captured-yet" && early?.remedy == .retry)
        fixture.gateway.state.withLock { $0.captureAnswer = .success(.succeeded(intent: "pi_1")) }
        _ = await fixture.send(try capture(PaymentFixture.order))
        #expect(await fixture.send(try PaymentFixture.refund(200, id: id)).outputs.map(\.key) == [MessageName.performRefund])
        await fixture.harness.database.close()
    }

    @Test func `a capture that the gateway rejects is requested again under a new key when its letter is replayed`() async throws {
        let fixture = try await PaymentFixture(isCapturedLater: true)
        fixture.gateway.state.withLock { $0.answer = .success(.authorized(intent: "pi_1")) }
        _ = await fixture.send(try PaymentFixture.charge())
        fixture.gateway.state.withLock { $0.captureAnswer = .failure(.unknown("timed out")) }
        #expect(await fixture.send(try capture(PaymentFixture.order)).failure?.remedy == .retry)
        fixture.harness.clock.advance(by: Store.Unfinished.capture.pauses.first + 1)
        #expect(try await fixture.due("uncaptured payments").count == 1, "the row requests it when the message is lost")
        fixture.gateway.state.withLock { $0.captureAnswer = .failure(.refused("card expired")) }
        let refused = await fixture.send(try capture(PaymentFixture.order))
        var letter = try PaymentFixture.letter(refused)
        fixture.harness.clock.advance(by: 86_400)
        #expect(try await fixture.due("uncaptured payments").isEmpty)
        #expect(await fixture.send(letter).failure?.detail == "card expired")
        letter.isReplay = true
        #expect(await fixture.send(letter).outputs.map(\.key) == [MessageName.advance, MessageName.capture])
        fixture.gateway.state.withLock { $0.captureAnswer = .success(.succeeded(intent: "pi_1")) }
        #expect(try PaymentFixture.event(await fixture.send(try capture(PaymentFixture.order))).payment?.state == .succeeded)
        let keys = fixture.gateway.state.withLock { $0.captures }
        #expect(keys.count == 3 && Set(keys).count == 2)
        await fixture.harness.database.close()
    }
}
