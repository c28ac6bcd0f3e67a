import Contracts
import FoundationEssentials
import JSON
import Logging
import Messaging
import Runtime
import Sandbox
import Secrets
import ServiceLifecycle
import Testing
import WebClient

@testable import Payments

/// The gateway's calls over HTTP, against the sandbox's PayPal.
@Suite(.timeLimit(.minutes(2))) struct PayPalWireTests {
    private struct Time: WallClock {
        func now() -> Date { Date() }
        func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
    }

    private struct World: Sendable {
        let url: String
        let web: WebClient
        let gateway: PayPalGateway

        func post(_ path: String, _ body: String, _ method: String = "POST", key: Bool = true) async throws -> JSONValue {
            var headers = [("content-type", "application/json")]
            if key { headers.append(("authorization", "Bearer sk_test_x")) }
            let response = try await web.send(WebRequest(method: method, url: url + path, headers: headers.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8)))
            return (try? JSON.decode(JSONValue.self, from: response.body)) ?? .null
        }

        /// Makes the customer's choice on the page.
        func choose(_ outcome: String, _ payment: GatewayPayment) async throws {
            _ = try await post("/checkoutnow?token=\(payment.status.intent ?? "")", #"{"outcome": "\#(outcome)"}"#, key: false)
        }

        func captureID(_ intent: String) async throws -> String {
            guard case .object(let order) = try await post("/_paypal/orders/\(intent)", "", "GET"), case .string(let id)? = order["captureId"] else { throw Missing() }
            return id
        }
    }

    private struct Missing: Error {}

    private func with(_ body: @Sendable (World) async throws -> Void) async throws {
        var configuration = SandboxConfiguration(apiKey: "sk_test_x", webhookSecret: "whsec_x")
        configuration.payPal = PayPalAccount(clientID: "id", clientSecret: "secret", webhookID: "WH1")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let services = ServiceGroup(configuration: .init(services: [Sandbox(configuration: configuration, logger: logger, onReady: { ready.yield($0) })], logger: logger))
        let web = WebClient(logger: logger)
        defer { web.shutdown() }
        try await withThrowingTaskGroup { group in
            group.addTask {
                defer { ready.finish() }
                try await services.run()
            }
            guard let port = await ports.first(where: { _ in true }) else { return }
            let url = "http://127.0.0.1:\(port)"
            let gateway = PayPalGateway(transport: web, clientID: "id", clientSecret: "secret", base: url + "/", clock: Time())
            do {
                try await body(World(url: url, web: web, gateway: gateway))
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    private func charge(_ amount: Money = Money(amount: 1_999, currency: "EUR"), order: UUID = UUID()) -> Charge {
        var charge = Charge(order: order, orderNumber: "W-1", amount: amount, paymentMethod: "paypal", idempotencyKey: Attempt.firstKey(of: order), gateway: .paypal)
        (charge.returnURL, charge.cancelURL) = ("https://shop.example/back?x=1", "https://shop.example/cart")
        return charge
    }

    @Test(arguments: [("EUR", 1_999), ("JPY", 1_999), ("HUF", 199_900)])
    func `a payment is created once, approved, captured once, and read back to the last unit`(currency: String, amount: Int) async throws {
        try await with { world in
            let charge = charge(Money(amount: amount, currency: currency))
            let created = try await world.gateway.charge(charge)
            let again = try await world.gateway.charge(charge)
            #expect(again == created)
            guard case .requiresAction(let intent, let page) = created.status else { throw Missing() }
            #expect(page == "\(world.url)/checkoutnow?token=\(intent)")
            #expect(try await world.gateway.retrieve(intent: intent)?.awaitsCapture == false)
            try await world.choose("approve", created)
            let approved = try #require(try await world.gateway.retrieve(intent: intent))
            #expect(approved.awaitsCapture && approved.order == charge.order && approved.amount == charge.amount)
            let captured = try await world.gateway.captureApproved(approved)
            #expect(captured.status == .succeeded(intent: intent) && captured.amount == charge.amount)
            // The answer was lost: the same call, and one under another id.
            #expect(try await world.gateway.captureApproved(approved).status == captured.status)
            #expect(try await world.gateway.cancel(intent: intent, idempotencyKey: UUID()).status == captured.status)
        }
    }

    @Test func `a payment that was never captured is given up without a call that could fail`() async throws {
        try await with { world in
            let created = try await world.gateway.charge(charge())
            let intent = created.status.intent ?? ""
            try await world.choose("approve", created)
            #expect(try await world.gateway.cancel(intent: intent, idempotencyKey: UUID()).status == .cancelled(intent: intent))
            #expect(try await world.gateway.cancel(intent: "5UNKNOWN", idempotencyKey: UUID()).status == .cancelled(intent: "5UNKNOWN"))
            #expect(try await world.gateway.retrieve(intent: "5UNKNOWN") == nil)
            // It has ended between the look at it and its capture, or its approval was withdrawn.
            let gone = GatewayPayment(status: .open(intent: "5UNKNOWN"), order: UUID(), amount: Money(amount: 1, currency: "EUR"))
            #expect(try await world.gateway.captureApproved(gone).status == .cancelled(intent: "5UNKNOWN"))
            let untouched = try await world.gateway.charge(charge())
            #expect(try await world.gateway.captureApproved(untouched) == untouched)
        }
    }

    @Test func `a capture that is declined is a decline, and one under review is undecided until it ends`() async throws {
        try await with { world in
            let declined = try await world.gateway.charge(charge())
            let intent = declined.status.intent ?? ""
            try await world.choose("decline", declined)
            let approved = try #require(try await world.gateway.retrieve(intent: intent))
            #expect(try await world.gateway.captureApproved(approved).status == .declined(intent: intent, code: "INSTRUMENT_DECLINED"))

            let reviewed = try await world.gateway.charge(charge())
            let other = reviewed.status.intent ?? ""
            try await world.choose("review", reviewed)
            let pending = try await world.gateway.captureApproved(try #require(try await world.gateway.retrieve(intent: other)))
            #expect(pending.status == .open(intent: other) && !pending.awaitsCapture)
            #expect(try await world.gateway.cancel(intent: other, idempotencyKey: UUID()).status == .open(intent: other))
            _ = try await world.post("/_paypal/captures/\(try await world.captureID(other))/settlement", #"{"outcome": "complete"}"#)
            #expect(try await world.gateway.retrieve(intent: other)?.status == .succeeded(intent: other))
        }
    }

    private func paid(_ world: World, by choice: String = "approve", _ amount: Money = Money(amount: 1_999, currency: "EUR")) async throws -> (intent: String, order: UUID) {
        let charge = charge(amount)
        let created = try await world.gateway.charge(charge)
        try await world.choose(choice, created)
        let intent = created.status.intent ?? ""
        let captured = try await world.gateway.captureApproved(try #require(try await world.gateway.retrieve(intent: intent)))
        #expect(captured.status == .succeeded(intent: intent))
        return (intent, charge.order)
    }

    private func refund(_ intent: String, _ order: UUID, _ amount: Int?, currency: String = "EUR", id: UUID = UUID(), key: UUID = UUID()) -> RefundCall {
        RefundCall(intent: intent, order: order, refundID: id, round: 2, amount: amount.map { Money(amount: $0, currency: currency) }, idempotencyKey: key)
    }

    @Test func `parts are refunded once each to the last cent, and one cent more is refused`() async throws {
        try await with { world in
            let (intent, order) = try await paid(world)
            let (id, key) = (UUID(), UUID())
            for _ in 1...2 {
                let payment = try await world.gateway.refund(refund(intent, order, 999, id: id, key: key))
                #expect(payment.refunded == 999)
                #expect(payment.movements?.refunds.map(\.refundID) == [id])
                #expect(payment.movements?.refunds.map(\.round) == [2])
            }
            _ = try await world.gateway.refund(refund(intent, order, 1_000))
            await #expect(throws: GatewayError.self) { try await world.gateway.refund(refund(intent, order, 1)) }
            #expect(try await world.gateway.retrieve(intent: intent)?.refunded == 1_999)
            // The rest of nothing is nothing.
            #expect(try await world.gateway.refund(refund(intent, order, nil)).refunded == 1_999)
        }
    }

    @Test(arguments: [("EUR", 1_999, 500), ("HUF", 199_900, 100), ("JPY", 1_999, 1)])
    func `the rest is refunded after a part, in the decimals of its currency`(currency: String, amount: Int, part: Int) async throws {
        try await with { world in
            let (intent, order) = try await paid(world, Money(amount: amount, currency: currency))
            #expect(try await world.gateway.refund(refund(intent, order, part, currency: currency)).refunded == part)
            #expect(try await world.gateway.refund(refund(intent, order, nil)).refunded == amount)
        }
    }

    @Test func `a part that PayPal cannot express is refused before anything is sent`() async throws {
        try await with { world in
            let (intent, order) = try await paid(world, Money(amount: 199_900, currency: "HUF"))
            await #expect(throws: GatewayError.self) { try await world.gateway.refund(refund(intent, order, 50, currency: "HUF")) }
            #expect(try await world.gateway.retrieve(intent: intent)?.refunded == 0)
        }
    }

    @Test func `a refund that takes days counts until it has failed`() async throws {
        try await with { world in
            let (intent, order) = try await paid(world, by: "bank")
            let pending = try await world.gateway.refund(refund(intent, order, 500))
            #expect(pending.refunded == 500 && pending.movements?.refunds.map(\.status) == [.pending])
            let id = pending.movements?.refunds.first?.id ?? ""
            _ = try await world.post("/_paypal/refunds/\(id)/settlement", #"{"outcome": "fail"}"#)
            let failed = try #require(try await world.gateway.retrieve(intent: intent))
            #expect(failed.refunded == 0 && failed.movements?.refunds.map(\.status) == [.failed])
        }
    }

    @Test func `a payment is found by its capture, with a refund by hand and a dispute`() async throws {
        try await with { world in
            let (intent, order) = try await paid(world)
            let capture = try await world.captureID(intent)
            _ = try await world.post("/_paypal/captures/\(capture)/refund", #"{"amount": {"currency_code": "EUR", "value": "1.00"}, "note_to_payer": "sorry"}"#)
            _ = try await world.post("/_paypal/captures/\(capture)/dispute", #"{"outcome": "UNAUTHORISED"}"#)
            let found = try #require(try await world.gateway.retrieve(intent: PayPalEvent.intent(ofCapture: capture)))
            #expect(found.status == .succeeded(intent: intent) && found.order == order && found.refunded == 100)
            #expect(found.movements?.refunds.map(\.refundID) == [nil])
            #expect(found.movements?.disputes.map(\.outcome) == [.open])
            let dispute = found.movements?.disputes.first?.id ?? ""
            _ = try await world.post("/_paypal/disputes/\(dispute)/resolution", #"{"outcome": "RESOLVED_BUYER_FAVOUR"}"#)
            #expect(try await world.gateway.retrieve(intent: intent)?.movements?.disputes.map(\.outcome) == [.lost])
        }
    }

    // MARK: Tokens and faults

    @Test func `a token that PayPal no longer accepts is replaced within the call`() async throws {
        try await with { world in
            let created = try await world.gateway.charge(charge())
            _ = try await world.post("/_paypal/tokens", "", "DELETE")
            #expect(try await world.gateway.retrieve(intent: created.status.intent ?? "") != nil)
        }
    }

    @Test func `wrong credentials are our mistake, and nothing was sent`() async throws {
        try await with { world in
            let stranger = PayPalGateway(transport: world.web, clientID: "id", clientSecret: "wrong", base: world.url, clock: Time())
            await #expect {
                _ = try await stranger.charge(charge())
            } throws: { error in
                if case GatewayError.notSent(let detail) = error { detail.contains("PAYPAL_CLIENT_SECRET") && !detail.contains("wrong") } else { false }
            }
        }
    }

    @Test(arguments: ["error500Rate", "dropBeforeRate", "dropAfterChargingRate", "rateLimitRate", "conflictRate"])
    func `an answer that does not arrive leaves the call unknown, and the same call finds what it did`(fault: String) async throws {
        try await with { world in
            let charge = charge()
            let created = try await world.gateway.charge(charge)
            try await world.choose("approve", created)
            let approved = try #require(try await world.gateway.retrieve(intent: created.status.intent ?? ""))
            _ = try await world.post("/_paypal/faults", #"{"\#(fault)": 1}"#, "PUT")
            await #expect {
                _ = try await world.gateway.captureApproved(approved)
            } throws: { error in
                if case GatewayError.unknown = error { true } else { false }
            }
            _ = try await world.post("/_paypal/faults", "", "DELETE")
            #expect(try await world.gateway.captureApproved(approved).status == .succeeded(intent: created.status.intent ?? ""))
        }
    }
}
