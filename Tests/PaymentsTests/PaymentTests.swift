import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Messaging
@testable import Payments
@testable import ServiceKit

@Suite struct PaymentTests {
    private func harness(_ gateway: ScriptedGateway) async throws -> ServiceHarness {
        let clock = SetClock()
        return try await ServiceHarness(
            PaymentsService.definition(gateways: [gateway], clock: clock), PaymentsService.migrations, clock: clock)
    }

    private func charge() throws -> Request { try PaymentFixture.charge() }
    private func void() throws -> Request { try PaymentFixture.void() }
    private func event(_ result: BatchHandler.Result) throws -> CheckoutEvent { try PaymentFixture.event(result) }

    @Test func `an order is charged once, however often its charge is requested`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        for _ in 1...3 { #expect(try event(await harness.send([try charge()])[0]).kind == .charged) }
        #expect(gateway.state.withLock { $0.charges.count } == 1)
        await harness.database.close()
    }

    /// Elsewhere two workers that met each inserted a payment.
    @Test func `two charges of one order that meet are one payment`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        let requests = [try charge(), try charge()]
        async let first = harness.send([requests[0]])[0]
        async let second = harness.send([requests[1]])[0]
        for result in await [first, second] { #expect(result.failure == nil) }
        #expect(Set(gateway.state.withLock { $0.charges }).count == 1)
        #expect(try await harness.count("SELECT count(*) FROM attempts") == 1)
        await harness.database.close()
    }

    @Test func `an unknown outcome is looked up before the charge is sent again`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        let request = try charge()
        #expect(await harness.send([request])[0].failure?.cause == "gateway-unknown")
        gateway.state.withLock { $0.known = [.succeeded(intent: "pi_1")] }
        #expect(try event(await harness.send([request])[0]).kind == .charged)
        #expect(gateway.state.withLock { $0.charges.count } == 1)
        await harness.database.close()
    }

    @Test func `a call that never arrived is sent again with the same key`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.notSent("refused")) }
        let request = try charge()
        #expect(await harness.send([request])[0].failure?.cause == "gateway-unreachable")
        gateway.state.withLock { $0.answer = .success(.declined(intent: nil, code: "generic_decline")) }
        let received = try event(await harness.send([request])[0])
        #expect(received.kind == .paymentDeclined)
        #expect(received.detail == "generic_decline")
        #expect(Set(gateway.state.withLock { $0.charges }).count == 1)
        await harness.database.close()
    }

    @Test func `a charge has the same key when the database no longer knows of it`() async throws {
        let gateway = ScriptedGateway()
        for _ in 1...2 {
            let harness = try await harness(gateway)
            #expect(try event(await harness.send([try charge()])[0]).kind == .charged)
            await harness.database.close()
        }
        let keys = gateway.state.withLock { $0.charges }
        #expect(keys.count == 2)
        #expect(Set(keys).count == 1)
    }

    @Test func `a key that the gateway answers with a permanent error is replaced, once its effect can be looked up`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.keySpent("500 again")) }
        let request = try charge()
        for _ in 1...3 { #expect(await harness.send([request])[0].failure?.cause == "gateway-error") }
        #expect(Set(gateway.state.withLock { $0.charges }).count == 1)
        harness.clock.advance(by: Charging.findableAfter + 1)
        gateway.state.withLock { $0.answer = .success(.succeeded(intent: "pi_1")) }
        #expect(try event(await harness.send([request])[0]).kind == .charged)
        #expect(Set(gateway.state.withLock { $0.charges }).count == 2)
        await harness.database.close()
    }

    @Test func `a key is not replaced when the call that used it has taken the money`() async throws {
        try await expectNoSecondCharge { $0.known = [.succeeded(intent: "pi_1")] }
    }

    @Test func `a key is not replaced when only a certain lookup shows that its call has taken the money`() async throws {
        try await expectNoSecondCharge { $0.knownForCertain = [.succeeded(intent: "pi_1")] }
    }

    /// The call that used the key has taken the money, which the gateway learns through `learn`.
    private func expectNoSecondCharge(_ learn: (inout ScriptedGateway.State) -> Void) async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.keySpent("500 again")) }
        let request = try charge()
        _ = await harness.send([request])
        harness.clock.advance(by: Charging.findableAfter + 1)
        gateway.state.withLock { learn(&$0) }
        #expect(try event(await harness.send([request])[0]).kind == .charged)
        #expect(gateway.state.withLock { $0.charges.count } == 1)
        await harness.database.close()
    }

    @Test func `a successful charge is refunded once, however often it is voided`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        _ = await harness.send([try charge()])
        for _ in 1...3 {
            let received = try event(await harness.send([try void()])[0])
            #expect(received.kind == .paymentVoided)
            #expect(received.detail == VoidResult.refunded.rawValue)
        }
        #expect(gateway.state.withLock { $0.refunds.count } == 1)
        await harness.database.close()
    }

    @Test func `a charge that arrives after its void is never sent`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        #expect(try event(await harness.send([try void()])[0]).detail == VoidResult.nothing.rawValue)
        #expect(try event(await harness.send([try charge()])[0]).kind == .paymentDeclined)
        #expect(gateway.state.withLock { $0.charges.isEmpty })
        await harness.database.close()
    }

    @Test func `a void waits for a call that may be under way, then undoes its effect`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        _ = await harness.send([try charge()])
        #expect(await harness.send([try void()])[0].failure?.cause == "payment-in-flight")
        harness.clock.advance(by: Charging.callLease + 1)
        gateway.state.withLock { $0.known = [.succeeded(intent: "pi_1")] }
        #expect(try event(await harness.send([try void()])[0]).detail == VoidResult.refunded.rawValue)
        #expect(gateway.state.withLock { $0.refunds.count } == 1)
        await harness.database.close()
    }

    @Test func `a retried charge does not delay a void that was requested before it`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        _ = await harness.send([try charge()])
        #expect(await harness.send([try void()])[0].failure?.cause == "payment-in-flight")
        harness.clock.advance(by: Charging.callLease - 1)
        #expect(await harness.send([try charge()])[0].failure?.cause == "payment-in-flight")
        harness.clock.advance(by: 2)
        #expect(try event(await harness.send([try void()])[0]).detail == VoidResult.nothing.rawValue)
        #expect(gateway.state.withLock { $0.charges.count } == 1)
        await harness.database.close()
    }

    /// Why a void that looks too early, or not at all, keeps no money as long as the gateway's events arrive; the lookup is for events that never do.
    @Test func `money that a void has not found is refunded when the gateway reports it`() async throws {
        let gateway = ScriptedGateway()
        let harness = try await harness(gateway)
        gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        _ = await harness.send([try charge()])
        harness.clock.advance(by: Charging.callLease + 1)
        #expect(try event(await harness.send([try void()])[0]).detail == VoidResult.nothing.rawValue)
        gateway.have(.succeeded(intent: "pi_1"))
        let received = await harness.send([PaymentFixture.webhook("payment_intent.succeeded")])[0]
        #expect(received.outputs.map(\.key) == [MessageName.void])
        #expect(try event(await harness.send([try void()])[0]).detail == VoidResult.refunded.rawValue)
        #expect(gateway.state.withLock { $0.refunds.count } == 1)
        await harness.database.close()
    }

    @Test func `a gateway event counts once, and an older one changes nothing`() async throws {
        let gateway = ScriptedGateway()
        gateway.state.withLock { $0.answer = .success(.requiresAction(intent: "pi_1", clientSecret: "s")) }
        let harness = try await harness(gateway)
        #expect(try event(await harness.send([try charge()])[0]).clientSecret == "s")
        gateway.have(.succeeded(intent: "pi_1"))
        func received(_ type: String, _ id: String) async -> Int { await harness.send([PaymentFixture.webhook(type, id: id)])[0].outputs.count }
        #expect(await received("payment_intent.succeeded", "evt_1") == 2, "orders and catalog")
        #expect(await received("payment_intent.succeeded", "evt_1") == 0)
        #expect(await received("payment_intent.requires_action", "evt_2") == 0)
        #expect(gateway.state.withLock { $0.retrieved.count } == 1, "what is known need not be asked for")
        #expect(try event(await harness.send([try charge()])[0]).kind == .charged)
        await harness.database.close()
    }

    @Test func `a message that is not a Stripe event is a dead letter with its cause`() async throws {
        let harness = try await harness(ScriptedGateway())
        let results = await harness.send([Request(id: UUID(), operation: "payments.webhooks.stripe", body: Array("[]".utf8))])
        #expect(results[0].failure?.cause == "malformed-message")
        await harness.database.close()
    }
}
