import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// A payment that its customer approves on the gateway's pages is captured once, or not at all.
@Suite struct ApprovalTests {
    struct Fixture {
        let gateway = RedirectingGateway()
        let service: ServiceDefinition
        let harness: ServiceHarness

        init() async throws {
            let clock = SetClock()
            service = PaymentsService.definition(gateways: [gateway], clock: clock)
            harness = try await ServiceHarness(service, PaymentsService.migrations, clock: clock)
        }

        /// A payment that waits for its customer.
        static func waiting() async throws -> Fixture {
            let fixture = try await Fixture()
            let begun = await fixture.send(try charge())
            #expect(try PaymentFixture.event(begun).kind == .paymentActionRequired)
            return fixture
        }

        static func charge() throws -> Request {
            let payment = PaymentChoice(gateway: .paypal, paymentMethod: "paypal", returnURL: "https://shop.example/back")
            return try Request(
                MessageName.charge, sending: ChargeOrder(orderID: PaymentFixture.order, amount: ScriptedGateway.amount, payment: payment, orderNumber: "W-1"))
        }

        static func complete() throws -> Request { try Request(MessageName.completeApproval, sending: ApprovedPayment(orderID: PaymentFixture.order)) }

        static func webhook(_ type: String = "CHECKOUT.ORDER.APPROVED", intent: String = "5O1") -> Request {
            let body = """
                {"id": "\(UUID().uuidString)", "event_type": "\(type)",
                 "resource": {"id": "\(intent)", "purchase_units": [{"custom_id": "\(PaymentFixture.order.lowerCaseText)"}]}}
                """
            return Request(id: UUID(), operation: "payments.webhooks.paypal", body: Array(body.utf8))
        }

        func send(_ request: Request) async -> BatchHandler.Result { await harness.send([request])[0] }

        func poll() async throws -> [OutgoingMessage] {
            guard let poller = service.pollers.first(where: { $0.name == "payments to approve" }) else { return [] }
            return try await harness.database.transaction { try await poller.find($0) }
        }

        var state: String {
            get async throws { try await harness.database.withConnection { try await $0.query("SELECT state FROM attempts") }[0].decode("state") }
        }

        var captures: Int { gateway.state.withLock { $0.captures } }
    }

    @Test func `the order's customer gets the page of the gateway, and the gateway the page of the shop`() async throws {
        let fixture = try await Fixture()
        let event = try PaymentFixture.event(await fixture.send(try Fixture.charge()))
        #expect(event.kind == .paymentActionRequired)
        #expect(event.clientSecret == "https://gateway.example/5O1")
        #expect(fixture.gateway.state.withLock { $0.pages } == ["https://shop.example/back"])
        // The same request again, after its answer was lost, opens no second payment.
        _ = await fixture.send(try Fixture.charge())
        #expect(fixture.gateway.state.withLock { $0.stages.count } == 1)
        await fixture.harness.database.close()
    }

    @Test func `an approval leads to one capture, however often it is reported`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.approved)
        let reported = await fixture.send(Fixture.webhook())
        #expect(reported.outputs.map(\.key) == [MessageName.completeApproval])
        #expect(fixture.captures == 0)
        let captured = await fixture.send(try Fixture.complete())
        #expect(captured.outputs.map(\.key) == [MessageName.advance, MessageName.sell])
        #expect(try PaymentFixture.event(captured).kind == .charged)
        for request in [Fixture.webhook(), Fixture.webhook("CHECKOUT.ORDER.COMPLETED"), try Fixture.complete()] {
            #expect(await fixture.send(request).outputs.isEmpty)
        }
        #expect(fixture.captures == 1)
        #expect(try await fixture.state == "succeeded")
        await fixture.harness.database.close()
    }

    @Test func `an event alone captures nothing that the gateway does not show as approved`() async throws {
        let fixture = try await Fixture.waiting()
        #expect(await fixture.send(Fixture.webhook()).outputs.isEmpty)
        #expect(await fixture.send(try Fixture.complete()).outputs.isEmpty)
        #expect(fixture.captures == 0)
        #expect(try await fixture.state == "requiresAction")
        await fixture.harness.database.close()
    }

    @Test func `an approval whose event was lost is found by polling at growing intervals`() async throws {
        let fixture = try await Fixture.waiting()
        #expect(try await fixture.poll().isEmpty)
        var asked = 0
        for _ in 0..<90 {
            fixture.harness.clock.advance(by: 10)
            asked += try await fixture.poll().count
        }
        // 15 minutes: after 10, 20 and 40 seconds, and then once a minute.
        #expect((12...17).contains(asked))
        fixture.gateway.put(.approved)
        fixture.harness.clock.advance(by: 61)
        let found = try #require(try await fixture.poll().first)
        #expect(found.key == MessageName.completeApproval)
        _ = await fixture.send(Request(id: UUID(), operation: found.key, body: found.body))
        #expect(try await fixture.state == "succeeded")
        fixture.harness.clock.advance(by: 3_600)
        #expect(try await fixture.poll().isEmpty)
        await fixture.harness.database.close()
    }

    @Test func `a payment of another amount is not captured, and is reported to an operator once`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.approved)
        fixture.gateway.state.withLock { $0.amount = Money(amount: 1, currency: "EUR") }
        let result = await fixture.send(try Fixture.complete())
        #expect(Set(result.outputs.map(\.key)) == [MessageName.unresolved, MessageName.advance])
        #expect(fixture.captures == 0)
        #expect(try await fixture.state == "declined")
        fixture.harness.clock.advance(by: 3_600)
        #expect(try await fixture.poll().isEmpty)
        await fixture.harness.database.close()
    }

    @Test func `a capture that is declined gives the order up, and a rejected one is also reported to an operator`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.approved)
        fixture.gateway.state.withLock { $0.declines = true }
        let declined = await fixture.send(try Fixture.complete())
        let event = try PaymentFixture.event(declined)
        #expect(event.kind == .paymentDeclined && event.detail == "INSTRUMENT_DECLINED")
        #expect(declined.outputs.count == 1)
        await fixture.harness.database.close()

        let other = try await Fixture.waiting()
        other.gateway.put(.approved)
        other.gateway.state.withLock { $0.refusesCapture = true }
        let refused = await other.send(try Fixture.complete())
        #expect(Set(refused.outputs.map(\.key)) == [MessageName.unresolved, MessageName.advance])
        #expect(try await other.state == "declined")
        await other.harness.database.close()
    }

    @Test func `a payment under review asks nothing of its customer, and is reported as pending once`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.reviewed)
        let event = try PaymentFixture.event(await fixture.send(try Fixture.complete()))
        #expect(event.kind == .paymentChanged && event.payment?.state == .pending)
        #expect(await fixture.send(try Fixture.complete()).outputs.isEmpty)
        fixture.gateway.put(.captured)
        #expect(try PaymentFixture.event(await fixture.send(try Fixture.complete())).kind == .charged)
        await fixture.harness.database.close()
    }

    @Test func `a payment that the gateway has forgotten is over`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.gone)
        let result = await fixture.send(try Fixture.complete())
        #expect(try PaymentFixture.event(result).kind == .paymentDeclined)
        #expect(try await fixture.state == "voided")
        await fixture.harness.database.close()
    }

    // MARK: Races with a void

    /// The void may be done, or wait for a gateway that is away.
    @Test(arguments: [true, false]) func `a payment whose void was requested is never captured, approved or not`(isDone: Bool) async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.state.withLock { $0.isAwayForCancellations = !isDone }
        let voided = await fixture.send(try PaymentFixture.void())
        if isDone { #expect(try PaymentFixture.event(voided).voidResult == .cancelled) } else { #expect(voided.failure?.remedy == .retry) }
        fixture.gateway.put(.approved)
        #expect(await fixture.send(Fixture.webhook()).outputs.isEmpty)
        #expect(await fixture.send(try Fixture.complete()).outputs.isEmpty)
        fixture.harness.clock.advance(by: 3_600)
        #expect(try await fixture.poll().isEmpty)
        #expect(fixture.captures == 0)
        await fixture.harness.database.close()
    }

    /// The gateway cannot cancel a payment: only the end of the capture shows whether money was taken.
    @Test func `a void waits for a capture that is under way, and then refunds it`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.approved)
        let (met, meeting) = AsyncStream.makeStream(of: Void.self)
        let (go, going) = AsyncStream.makeStream(of: Void.self)
        fixture.gateway.state.withLock {
            $0.onCapture = {
                meeting.yield()
                _ = await go.first { true }
            }
        }
        let request = try Fixture.complete()
        async let capture = fixture.send(request)
        _ = await met.first { true }
        #expect(await fixture.send(try PaymentFixture.void()).failure?.cause == "payment-in-flight")
        going.yield()
        #expect(await capture.failure == nil)
        #expect(fixture.captures == 1)
        let voided = await fixture.send(try PaymentFixture.void())
        #expect(try PaymentFixture.event(voided).voidResult == .refunded)
        #expect(fixture.gateway.state.withLock { $0.refunded } == 500)
        await fixture.harness.database.close()
    }

    @Test func `a capture whose answer was lost keeps the void waiting until its result is known, and is found`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.approved)
        fixture.gateway.state.withLock { $0.losesCapture = true }
        #expect(await fixture.send(try Fixture.complete()).failure?.cause == "gateway-unknown")
        #expect(await fixture.send(try PaymentFixture.void()).failure?.cause == "payment-in-flight")
        // No other capture begins meanwhile.
        #expect(await fixture.send(try Fixture.complete()).outputs.isEmpty)
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        let voided = await fixture.send(try PaymentFixture.void())
        #expect(try PaymentFixture.event(voided).voidResult == .refunded)
        #expect(fixture.captures == 1)
        await fixture.harness.database.close()
    }

    @Test func `two reports of one approval never call for its capture at the same time`() async throws {
        let fixture = try await Fixture.waiting()
        fixture.gateway.put(.approved)
        fixture.gateway.state.withLock { $0.losesCapture = true }
        #expect(await fixture.send(try Fixture.complete()).failure != nil)
        #expect(await fixture.send(try Fixture.complete()).failure?.cause == "payment-in-flight")
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        #expect(try PaymentFixture.event(await fixture.send(try Fixture.complete())).kind == .charged)
        #expect(fixture.captures == 1)
        await fixture.harness.database.close()
    }
}
