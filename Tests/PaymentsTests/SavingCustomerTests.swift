import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// Saved payment methods, at a gateway that answers as the test specifies.
@Suite struct SavingCustomerTests {
    private let user = UUID()

    private func charge() throws -> Request {
        let step = ChargeOrder(orderID: PaymentFixture.order, amount: ScriptedGateway.amount, payment: SandboxShop.saving(user), orderNumber: "W-1")
        return try Request(MessageName.charge, sending: step)
    }

    @Test func `a charge whose answer is lost is sent again with the same customer`() async throws {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try charge())
        fixture.gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        for _ in 1...2 { #expect(await fixture.send(try charge()).failure?.cause == "gateway-unknown") }
        let charged = fixture.gateway.state.withLock { $0.charged }
        #expect(charged.count == 2 && Set(charged.map { [$0.customer, $0.saveFor?.uuidString, $0.idempotencyKey.uuidString] }).count == 1)
        #expect(charged.first?.customer == "cus_1" && charged.first?.saveFor == user)
        #expect(fixture.gateway.state.withLock { $0.customers } == [user])
    }

    @Test func `an order is charged although the gateway refuses to create a customer`() async throws {
        let fixture = try await PaymentFixture()
        fixture.gateway.state.withLock { $0.refusesCustomers = true }
        #expect(await fixture.send(try charge()).outputs.map(\.key) == [MessageName.charge])
        #expect(try PaymentFixture.event(await fixture.send(try charge())).kind == .charged)
        #expect(fixture.gateway.state.withLock { $0.charged.map(\.saveFor) } == [nil])
    }

    @Test func `a customer who leaves during the creation at the gateway is deleted there, and the order is charged`() async throws {
        let fixture = try await PaymentFixture()
        let erase = try Request(MessageName.eraseInPayments, sending: Customer(userID: user))
        fixture.gateway.state.withLock { $0.onCustomer = { #expect(await fixture.send(erase).outputs.map(\.key) == [MessageName.customerErased]) } }
        let outputs = await fixture.send(try charge()).outputs
        #expect(outputs.map(\.key) == [MessageName.charge, MessageName.eraseInPayments])
        #expect(fixture.gateway.state.withLock { $0.deleted }.isEmpty)
        _ = await fixture.send(Request(id: UUID(), operation: MessageName.eraseInPayments, body: outputs[1].body))
        #expect(fixture.gateway.state.withLock { $0.deleted } == ["cus_1"])
        #expect(try PaymentFixture.event(await fixture.send(try charge())).kind == .charged)
        #expect(fixture.gateway.state.withLock { $0.charged.map(\.saveFor) } == [nil])
        #expect(try await fixture.harness.count("SELECT count(*) FROM payment_methods") == 0)
    }

    @Test func `of two customers at the gateway the first is kept`() async throws {
        let fixture = try await PaymentFixture()
        for id in ["cus_1", "cus_2"] {
            _ = try await fixture.harness.database.transaction { try await MethodStore.add([GatewayCustomer(user: user, gateway: .stripe, id: id)], on: $0) }
        }
        #expect(try await fixture.harness.count("SELECT count(*) FROM customers WHERE gateway_id = 'cus_1'") == 1)
    }

    @Test(arguments: [false, true])
    func `a customer who leaves during the charge keeps no method`(leaves: Bool) async throws {
        let fixture = try await PaymentFixture()
        let erase = try Request(MessageName.eraseInPayments, sending: Customer(userID: user))
        _ = await fixture.send(try charge())
        fixture.gateway.state.withLock { state in
            state.savedMethod = GatewayMethod(id: "pm_1", customer: "cus_1", brand: "visa", last4: "4242", expiryMonth: 12, expiryYear: 2034)
            if leaves { state.onCharge = { _ = await fixture.send(erase) } }
        }
        #expect(try PaymentFixture.event(await fixture.send(try charge())).kind == .charged)
        #expect(try await fixture.harness.count("SELECT count(*) FROM payment_methods") == (leaves ? 0 : 1))
        #expect(fixture.gateway.state.withLock { $0.deleted } == (leaves ? ["cus_1"] : []))
    }

    private static let method = GatewayMethod(id: "pm_new", customer: "cus_1", brand: "visa", last4: "4242", expiryMonth: 12, expiryYear: 2034)

    /// The gateway's ids of the customer's listed methods, sorted.
    private func methods(_ fixture: PaymentFixture) async throws -> [String] {
        try await fixture.harness.database.withConnection { connection in
            try await connection.query("SELECT gateway_id FROM payment_methods WHERE user_id = \(user) AND detach_at IS NULL ORDER BY gateway_id")
        }.map { try $0.decode("gateway_id") }
    }

    @Test func `a method beyond the maximum replaces the least recently used one`() async throws {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try charge())
        let now = fixture.harness.clock.now()
        _ = try await fixture.harness.database.transaction { connection in
            try await connection.execute(
                """
                INSERT INTO payment_methods (id, user_id, gateway, gateway_id, brand, last4, created_at)
                SELECT gen_random_uuid(), \(user), 'stripe', 'pm_' || n, 'visa', '4242', \(now) - make_interval(days => n::integer)
                FROM generate_series(1, \(MethodStore.maximum)) AS n
                """)
        }
        let oldest = "pm_\(MethodStore.maximum)"
        var choice = PaymentChoice(gateway: .stripe, paymentMethod: oldest)
        choice.gatewayCustomer = "cus_1"
        let step = ChargeOrder(orderID: UUID(), amount: ScriptedGateway.amount, payment: choice, orderNumber: "W-2")
        _ = await fixture.send(try Request(MessageName.charge, sending: step))
        fixture.gateway.state.withLock { $0.savedMethod = Self.method }
        #expect(try PaymentFixture.event(await fixture.send(try charge())).kind == .charged)

        let replaced = "pm_\(MethodStore.maximum - 1)"
        let kept = try await methods(fixture)
        #expect(kept.count == MethodStore.maximum && kept.contains("pm_new") && kept.contains(oldest) && !kept.contains(replaced))
        let due = try await fixture.due("replaced payment methods")
        #expect(due.map(\.destination) == [.request(MessageName.detachPaymentMethod)])
        #expect(try await fixture.due("replaced payment methods").isEmpty, "it is under way")
        // The first message is lost.
        fixture.harness.clock.advance(by: 86_401)
        for message in try await fixture.due("replaced payment methods") {
            #expect(await fixture.send(Request(id: UUID(), operation: MessageName.detachPaymentMethod, body: message.body)).failure == nil)
        }
        #expect(fixture.gateway.state.withLock { $0.detached } == [replaced])
        fixture.harness.clock.advance(by: 86_401)
        #expect(try await fixture.due("replaced payment methods").isEmpty)
        #expect(try await fixture.harness.count("SELECT count(*) FROM payment_methods") == MethodStore.maximum)
    }

    /// The charge's answer is lost, and the order is given up. The gateway has saved the method, and only a listed method can be deleted.
    @Test(arguments: [false, true])
    func `a method whose payment is first found by its void is saved, whether the payment can be returned or not`(refusesRefunds: Bool) async throws {
        let fixture = try await PaymentFixture()
        _ = await fixture.send(try charge())
        fixture.gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        #expect(await fixture.send(try charge()).failure?.cause == "gateway-unknown")
        fixture.harness.clock.advance(by: Charging.callLease + 1)
        fixture.gateway.state.withLock { state in
            state.known = [.succeeded(intent: "pi_1")]
            state.savedMethod = Self.method
            state.refusesRefunds = refusesRefunds
        }
        let received = await fixture.send(try PaymentFixture.void())
        #expect(try PaymentFixture.event(received).kind == (refusesRefunds ? .paymentUnresolved : .paymentVoided))
        #expect(try await methods(fixture) == ["pm_new"])
        guard refusesRefunds else { return }
        _ = try await fixture.harness.database.transaction { try await $0.execute("DELETE FROM payment_methods") }
        fixture.gateway.state.withLock { $0.refusesRefunds = false }
        #expect(try PaymentFixture.event(await fixture.send(try PaymentFixture.letter(received))).payment?.state == .refunded)
        #expect(try await methods(fixture) == [], "a method that was deleted meanwhile does not return")
    }
}
