import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// A refund is recorded before the gateway is called, made once, and never more than was captured.
@Suite struct RefundTests {
    private func view(_ result: BatchHandler.Result) throws -> RefundView { try result.reply.decoded() }

    @Test func `a part is refunded, and orders gets the payment's and the refund's new state`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        let event = try PaymentFixture.event(try await fixture.refund(200, id: id))
        #expect(event.kind == .paymentChanged)
        #expect(event.refund == RefundReport(refundID: id, state: .succeeded, amount: 200))
        #expect(event.payment?.state == .partlyRefunded && event.payment?.refunded == 200)
        let rest = try PaymentFixture.event(try await fixture.refund(nil))
        #expect(rest.payment?.state == .refunded && rest.payment?.refunded == 500)
        #expect((rest.payment?.revision ?? 0) > (event.payment?.revision ?? 0))
        #expect(fixture.gateway.state.withLock { $0.amounts } == [200, 300])
        await fixture.harness.database.close()
    }

    @Test func `an administrator's refund is answered before the gateway is called, and listed`() async throws {
        let fixture = try await PaymentFixture.paid()
        let created = await fixture.send(PaymentFixture.refund(over: #"{"amount": 200, "reason": "late"}"#))
        let reply = try created.reply
        #expect(reply.status == 202)
        let order = PaymentFixture.order.uuidString.lowercased()
        #expect(reply.headers["location"] == "/v1/orders/\(order)/refunds")
        let view = try view(created)
        #expect(view.amount == Money(amount: 200, currency: "EUR") && view.state == .pending && view.reason == "late")
        #expect(fixture.gateway.state.withLock { $0.refunds.isEmpty })
        _ = await fixture.send(try PaymentFixture.perform(view.id))
        let list: [RefundView] = try await fixture.list("payments.refunds.list", ["id": order])
        #expect(list.map(\.id) == [view.id] && list.first?.state == .succeeded)
        await fixture.harness.database.close()
    }

    @Test func `pages of refunds hold each once, newest first`() async throws {
        let fixture = try await PaymentFixture.paid()
        var ids: [UUID] = []
        for _ in 1...5 {
            ids.append(try view(await fixture.send(PaymentFixture.refund(over: #"{"amount": 10, "reason": "r"}"#))).id)
            fixture.harness.clock.advance(by: 0.001)
        }
        let found: [RefundView] = try await fixture.list("payments.refunds.list", ["id": PaymentFixture.order.uuidString, "limit": "2"])
        #expect(found.map(\.id) == ids.reversed())
        await fixture.harness.database.close()
    }

    /// In another shop an amount of 0 meant all of it.
    @Test func `an amount may be given as money, in the order's currency`() async throws {
        let fixture = try await PaymentFixture.paid()
        let created = await fixture.send(PaymentFixture.refund(over: #"{"amount": {"amount": 200, "currency": "EUR"}, "reason": "late"}"#))
        #expect(try view(created).amount == Money(amount: 200, currency: "EUR"))
        for (amount, field) in [(#"{"amount": 1, "currency": "USD"}"#, "amount.currency"), (#"{"amount": 0, "currency": "EUR"}"#, "amount.amount")] {
            let refused = try await fixture.send(PaymentFixture.refund(over: #"{"amount": \#(amount), "reason": "r"}"#)).reply
            #expect(refused.status == 422)
            #expect(refused.problem?.errors?.first?.field == field)
        }
        await fixture.harness.database.close()
    }

    @Test(arguments: [#"{"amount": 0, "reason": "r"}"#, #"{"amount": -5, "reason": "r"}"#, #"{"amount": 1.5, "reason": "r"}"#, #"{"amount": 5}"#])
    func `an amount of nothing, a negative one and a missing reason are refused by name`(body: String) async throws {
        let fixture = try await PaymentFixture.paid()
        let refused = try await fixture.send(PaymentFixture.refund(over: body)).reply
        #expect(refused.status == 422)
        #expect(refused.problem?.errors?.first?.field == (body.contains("reason") ? "amount" : "reason"))
        #expect(try await fixture.harness.count("SELECT count(*) FROM refunds") == 0)
        await fixture.harness.database.close()
    }

    @Test func `a message with an amount of nothing is a dead letter`() async throws {
        let fixture = try await PaymentFixture.paid()
        #expect(await fixture.send(try PaymentFixture.refund(0)).failure?.cause == "malformed-message")
        await fixture.harness.database.close()
    }

    @Test func `goods that come back after a part was refunded bring what is left`() async throws {
        let fixture = try await PaymentFixture.paid()
        _ = try await fixture.refund(200)
        let id = UUID()
        _ = await fixture.send(try PaymentFixture.refund(500, isCapped: true, id: id))
        let event = try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id)))
        #expect(event.refund == RefundReport(refundID: id, state: .succeeded, amount: 300))
        #expect(event.payment?.state == .refunded && event.payment?.refunded == 500)
        await fixture.harness.database.close()
    }

    @Test func `one cent more than is left is refused, and names what is left`() async throws {
        let fixture = try await PaymentFixture.paid()
        _ = try await fixture.refund(200)
        let refused = try await fixture.send(PaymentFixture.refund(over: #"{"amount": 301, "reason": "r"}"#)).reply
        #expect(refused.status == 409 && refused.problem?.type.hasSuffix("/refund-exceeds-payment") == true)
        #expect(refused.problem?.detail.contains("3.00 EUR") == true)
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"amount": 300, "reason": "r"}"#)).reply.status == 202)
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"reason": "r"}"#)).reply.problem?.type.hasSuffix("/already-refunded") == true)
        await fixture.harness.database.close()
    }

    @Test func `of two refunds at once, which together are more than was paid, one is made`() async throws {
        let fixture = try await PaymentFixture.paid()
        let requests = [try PaymentFixture.refund(300), try PaymentFixture.refund(300)]
        let wait = StandOff(database: fixture.harness.database, hold: "SELECT 1 FROM attempts FOR UPDATE")
        let (first, second) = try await wait.results(of: { await fixture.send(requests[0]) }, then: { await fixture.send(requests[1]) })
        #expect(Set([first, second].map { $0.outputs.map(\.key) }) == [[MessageName.performRefund], [MessageName.advance, MessageName.unresolved]])
        #expect(try await fixture.harness.count("SELECT sum(amount)::bigint FROM refunds WHERE state = 'pending'") == 300)
        await fixture.harness.database.close()
    }

    /// Orders takes the first of two reports of one revision: it went on showing what the gateway had at the first of two refunds.
    @Test func `of two refunds that are made in one batch the last report says what both have refunded`() async throws {
        let fixture = try await PaymentFixture.paid()
        let ids = [UUID(), UUID()]
        for id in ids { _ = await fixture.send(try PaymentFixture.refund(150, id: id)) }
        let results = await fixture.harness.send(try ids.map { try PaymentFixture.perform($0) })
        let events = try results.flatMap(\.outputs).filter { $0.key == MessageName.advance }.map { try JSON.decode(CheckoutEvent.self, from: $0.body) }
        let reports = events.compactMap(\.payment)
        #expect(reports.max { $0.revision < $1.revision }?.refunded == 300)
        for same in Dictionary(grouping: reports, by: \.revision).values { #expect(Set(same.map(\.refunded)).count == 1) }
        #expect(Set(events.compactMap { $0.refund?.refundID }) == Set(ids))
        await fixture.harness.database.close()
    }

    @Test func `one refund that is requested by two messages is one`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        _ = try await fixture.refund(200, id: id)
        let again = try PaymentFixture.event(await fixture.send(try PaymentFixture.refund(200, id: id)))
        #expect(again.refund?.state == .succeeded, "who asks again gets to know")
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        await fixture.harness.database.close()
    }

    /// Before, goods were returned, and no one saw that their money was not.
    @Test func `a service's refund that cannot be made waits for an operator, and is listed`() async throws {
        let fixture = try await PaymentFixture.paid()
        let refused = await fixture.send(try PaymentFixture.refund(501))
        #expect(refused.outputs.map(\.key) == [MessageName.advance, MessageName.unresolved])
        let event = try PaymentFixture.event(refused)
        #expect(event.refund?.state == .needsOperator && event.payment?.state == .needsOperator && event.payment?.refunded == 0)
        let open: [UnresolvedView] = try await fixture.list("payments.unresolved.list", [:])
        #expect(open.map(\.kind) == [.refund] && open.map(\.amount.amount) == [501])
        await fixture.harness.database.close()
    }

    @Test func `a service's refund of a payment that has gone back ends as settled`() async throws {
        let fixture = try await PaymentFixture.paid()
        _ = try await fixture.refund(nil)
        let event = try PaymentFixture.event(await fixture.send(try PaymentFixture.refund(200, isCapped: true)))
        #expect(event.refund?.state == .failed && event.refund?.settlement == .nothingLeft && event.payment?.state == .refunded)
        await fixture.harness.database.close()
    }

    @Test func `before money was captured nothing is refunded`() async throws {
        let fixture = try await PaymentFixture()
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"reason": "r"}"#)).reply.status == 404)
        fixture.gateway.state.withLock { $0.answer = .success(.declined(intent: "pi_1", code: "c")) }
        _ = await fixture.send(try PaymentFixture.charge())
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"reason": "r"}"#)).reply.problem?.type.hasSuffix("/nothing-captured") == true)
        await fixture.harness.database.close()
    }

    // MARK: In doubt

    @Test func `after a lost answer the gateway is asked, and not called again`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .lost }
        #expect(try await fixture.refund(200, id: id).failure?.cause == "gateway-unknown")
        // The gateway has forgotten the key: called again, it would refund again.
        fixture.gateway.state.withLock { $0.keys = [] }
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id))).refund?.state == .succeeded)
        #expect(fixture.gateway.state.withLock { $0.refunds.count } == 1)
        await fixture.harness.database.close()
    }

    @Test func `a call that has come to nothing is repeated with its key`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .vanished }
        #expect(try await fixture.refund(200, id: id).failure?.cause == "gateway-unknown")
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id))).payment?.refunded == 200)
        let keys = fixture.gateway.state.withLock { $0.refunds }
        #expect(keys.count == 2 && Set(keys).count == 1)
        await fixture.harness.database.close()
    }

    @Test(arguments: [true, false]) func `a spent key is replaced only when its refund could be found`(made: Bool) async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        fixture.gateway.state.withLock { $0.refundAnswer = .spent(made: made) }
        #expect(try await fixture.refund(200, id: id).failure?.cause == "gateway-error")
        fixture.gateway.state.withLock { $0.refundAnswer = .made(.succeeded) }
        let soon = await fixture.send(try PaymentFixture.perform(id))
        #expect((soon.failure == nil) == made)
        fixture.harness.clock.advance(by: Charging.findableAfter + 1)
        if !made { #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id))).refund?.state == .succeeded) }
        let (keys, refunded) = fixture.gateway.state.withLock { ($0.refunds, $0.movements["pi_1"]?.refunds.count) }
        #expect(refunded == 1)
        #expect(Set(keys).count == (made ? 1 : 2))
        await fixture.harness.database.close()
    }

    @Test func `a refund whose message is lost is looked at again, less and less often`() async throws {
        let fixture = try await PaymentFixture.paid()
        _ = await fixture.send(try PaymentFixture.refund(200))
        #expect(try await fixture.due("pending refunds").isEmpty, "it is left to its message")
        fixture.harness.clock.advance(by: Refunding.retryAfter + 1)
        #expect(try await fixture.due("pending refunds").count == 1)
        fixture.harness.clock.advance(by: Refunding.retryAfter + 1)
        #expect(try await fixture.due("pending refunds").isEmpty)
        fixture.harness.clock.advance(by: Refunding.retryAfter)
        #expect(try await fixture.due("pending refunds").count == 1)
        await fixture.harness.database.close()
    }

    // MARK: Void

    @Test func `a void refunds the rest only`() async throws {
        let fixture = try await PaymentFixture.paid()
        _ = try await fixture.refund(200)
        let event = try PaymentFixture.event(await fixture.send(try PaymentFixture.void()))
        #expect(event.voidResult == .refunded && event.payment?.state == .refunded && event.payment?.refunded == 500)
        #expect(fixture.gateway.state.withLock { $0.movements["pi_1"]?.refunds.map(\.amount) } == [300, 200])
        #expect(try await fixture.send(PaymentFixture.refund(over: #"{"reason": "r"}"#)).reply.problem?.type.hasSuffix("/payment-voided") == true)
        await fixture.harness.database.close()
    }

    @Test func `a refund that waits while its order is given up is not made beside the void`() async throws {
        let fixture = try await PaymentFixture.paid()
        let id = UUID()
        _ = await fixture.send(try PaymentFixture.refund(200, id: id))
        _ = await fixture.send(try PaymentFixture.void())
        let event = try PaymentFixture.event(await fixture.send(try PaymentFixture.perform(id)))
        #expect(event.refund?.state == .failed && event.payment?.state == .refunded)
        #expect(fixture.gateway.state.withLock { $0.amounts } == [nil], "the void has asked for all of it, and nobody else for anything")
        await fixture.harness.database.close()
    }
}
