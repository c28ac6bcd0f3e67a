import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

extension SandboxShop {
    /// Charges an order as its messages do, those that the charge sends itself included; returns the result of the last one.
    func charge(_ choice: PaymentChoice, for order: UUID = UUID()) async throws -> BatchHandler.Result {
        let step = ChargeOrder(orderID: order, amount: Money(amount: 500, currency: "EUR"), payment: choice, orderNumber: "W-1")
        var result = await harness.send([try Request(MessageName.charge, sending: step)])[0]
        for _ in 1...10 where result.failure?.remedy == .retry || result.outputs.contains(where: { $0.key == MessageName.charge }) {
            result = await harness.send([try Request(MessageName.charge, sending: step)])[0]
        }
        return result
    }

    /// The choice of a customer who wants the method to be saved.
    static func saving(_ user: UUID, _ card: String = "pm_card_visa") -> PaymentChoice {
        var choice = PaymentChoice(gateway: .stripe, paymentMethod: card)
        choice.saveFor = user
        return choice
    }

    func methods(of user: UUID) async throws -> [SavedMethodView] {
        let page: Listed = try await harness.ask(try Request("payments.methods.list", caller: Caller(id: user, role: .customer))).decoded()
        return page.items
    }

    private struct Listed: Decodable {
        let items: [SavedMethodView]
    }

    /// The saved method as carts resolves it; nil where the user has none of this id.
    func found(_ id: UUID, by user: UUID) async throws -> PaymentChoice? {
        let query = SavedMethodQuery(methods: [.init(id: id, userID: user)])
        let list: SavedMethodList = try await harness.ask(try Request(MessageName.findPaymentMethods, sending: query)).decoded()
        return list.items.first.map { entry in
            var choice = PaymentChoice(gateway: entry.gateway, paymentMethod: entry.method)
            choice.gatewayCustomer = entry.customer
            return choice
        }
    }

    func erase(_ user: UUID) async throws -> BatchHandler.Result {
        await harness.send([try Request(MessageName.eraseInPayments, sending: Customer(userID: user))])[0]
    }

    func webhook(_ type: String, of order: UUID) async throws -> BatchHandler.Result {
        let intent = try await intent(of: order)
        let object = #"{"id": "\#(intent)", "payment_intent": "\#(intent)", "metadata": {"order_id": "\#(order)"}}"#
        let body = #"{"id": "\#(UUID())", "type": "\#(type)", "data": {"object": \#(object)}}"#
        return await harness.send([Request(id: UUID(), operation: "payments.webhooks.stripe", body: Array(body.utf8))])[0]
    }
}

/// Payment methods that customers save, at the Stripe sandbox.
@Suite struct SavedMethodTests {
    private let user = UUID()

    private func delete(_ id: UUID, by user: UUID) throws -> Request {
        try Request("payments.methods.delete", parameters: ["id": id.uuidString], caller: Caller(id: user, role: .customer))
    }

    @Test func `a method is saved with its payment, and pays further orders of its owner alone`() async throws {
        try await SandboxShop.run { shop in
            let order = UUID()
            let step = ChargeOrder(orderID: order, amount: Money(amount: 500, currency: "EUR"), payment: SandboxShop.saving(user), orderNumber: "W-1")
            let first = await shop.harness.send([try Request(MessageName.charge, sending: step)])[0]
            #expect(first.outputs.map(\.key) == [MessageName.charge], "the customer is committed before a charge names it")
            #expect(try await shop.stripe("payment_intents")["data"]?.list.isEmpty == true)
            #expect(try PaymentFixture.event(try await shop.charge(SandboxShop.saving(user), for: order)).kind == .charged)

            let saved = try #require(try await shop.methods(of: user).first)
            #expect(saved.brand == "visa" && saved.last4 == "4242" && saved.expiryMonth == 12 && saved.gateway == .stripe)
            #expect(try await shop.found(saved.id, by: UUID()) == nil)
            #expect(try await shop.methods(of: UUID()).isEmpty)
            let choice = try #require(try await shop.found(saved.id, by: user))
            #expect(try PaymentFixture.event(try await shop.charge(choice)).kind == .charged)
            shop.harness.clock.advance(by: 1)
            #expect(try PaymentFixture.event(try await shop.charge(SandboxShop.saving(user, "pm_card_mastercard"))).kind == .charged)
            #expect(try await shop.methods(of: user).map(\.last4) == ["4444", "4242"])
            let payments = try await shop.stripe("payment_intents")["data"]?.list ?? []
            #expect(payments.count == 3 && Set(payments.map { $0["customer"]?.text }).count == 1)
            #expect(try await shop.stripe("customers")["data"]?.list.map { $0["metadata"]?["user_id"]?.text } == [user.uuidString.lowercased()])
        }
    }

    @Test func `two first orders at once make one customer at the gateway`() async throws {
        try await SandboxShop.run { shop in
            async let one = shop.charge(SandboxShop.saving(user))
            async let two = shop.charge(SandboxShop.saving(user))
            let results = try await [one, two]
            for result in results { #expect(try PaymentFixture.event(result).kind == .charged) }
            #expect(try await shop.stripe("customers")["data"]?.list.count == 1)
            #expect(try await shop.stripe("payment_intents")["data"]?.list.count == 2)
        }
    }

    @Test func `a method is saved once the customer has authenticated, and not again after it was deleted`() async throws {
        try await SandboxShop.run { shop in
            let order = UUID()
            #expect(try PaymentFixture.event(try await shop.charge(SandboxShop.saving(user, "pm_card_authenticationRequired"), for: order)).kind == .paymentActionRequired)
            #expect(try await shop.methods(of: user).isEmpty)
            try await shop.authenticate(try await shop.intent(of: order))
            #expect(try PaymentFixture.event(try await shop.webhook("payment_intent.succeeded", of: order)).kind == .charged)
            let saved = try #require(try await shop.methods(of: user).first)
            #expect(try await shop.harness.send(delete(saved.id, by: user)).status == 204)
            _ = try await shop.webhook("charge.refunded", of: order)
            try await shop.atStripe("refunds", "payment_intent=\(shop.intent(of: order))&amount=100")
            _ = try await shop.webhook("refund.updated", of: order)
            #expect(try await shop.attempt(of: order).refunded == 100)
            #expect(try await shop.methods(of: user).isEmpty)
        }
    }

    @Test func `a declined card is not saved`() async throws {
        try await SandboxShop.run { shop in
            let result = try await shop.charge(SandboxShop.saving(user, "pm_card_chargeDeclined"))
            #expect(try PaymentFixture.event(result).kind == .paymentDeclined)
            #expect(try await shop.methods(of: user).isEmpty)
        }
    }

    @Test func `a deleted method is detached at the gateway and can no longer be charged, and only its owner can delete it`() async throws {
        try await SandboxShop.run { shop in
            _ = try await shop.charge(SandboxShop.saving(user))
            let saved = try #require(try await shop.methods(of: user).first)
            let choice = try #require(try await shop.found(saved.id, by: user))
            #expect(try await shop.harness.send(delete(saved.id, by: UUID())).status == 404)
            let deleted = await shop.harness.send([try delete(saved.id, by: user)])[0]
            #expect(try deleted.reply.status == 204 && deleted.outputs.map(\.key) == [MessageName.detachPaymentMethod])
            #expect(try await shop.methods(of: user).isEmpty)
            #expect(try await shop.found(saved.id, by: user) == nil)
            for _ in 1...2 {
                let detached = await shop.harness.send([Request(id: UUID(), operation: MessageName.detachPaymentMethod, body: deleted.outputs[0].body)])[0]
                #expect(detached.failure == nil)
            }
            #expect(try await shop.stripe("payment_methods/\(choice.paymentMethod)")["customer"] == .null)
            // A checkout that had found it before.
            #expect(try PaymentFixture.event(try await shop.charge(choice)).kind == .paymentDeclined)
            #expect(try await shop.harness.send(delete(saved.id, by: user)).status == 404)
        }
    }

    @Test func `a customer who leaves is deleted at the gateway with all methods`() async throws {
        try await SandboxShop.run { shop in
            _ = try await shop.charge(SandboxShop.saving(user))
            let export = try await shop.harness.ask(try Request(MessageName.exportFromPayments, sending: Customer(userID: user)))
            #expect(String(decoding: export.body, as: UTF8.self).contains(#""last4":"4242""#))
            let customer = try #require(try await shop.stripe("customers")["data"]?.list.first?["id"]?.text)
            for _ in 1...2 { #expect(try await shop.erase(user).outputs.map(\.key) == [MessageName.customerErased]) }
            #expect(try await shop.methods(of: user).isEmpty)
            #expect(try await shop.stripe("customers/\(customer)")["deleted"] == .boolean(true))
            #expect(try await shop.harness.count("SELECT count(*) FROM customers WHERE gateway_id IS NOT NULL") == 0)
            #expect(try PaymentFixture.event(try await shop.charge(SandboxShop.saving(user))).kind == .charged, "a checkout on its way is charged")
            #expect(try await shop.methods(of: user).isEmpty)
            #expect(try await shop.stripe("customers")["data"]?.list.isEmpty == true)
        }
    }
}

/// The same at a gateway that answers as the test specifies.
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

    @Test func `a customer who leaves while one is created at the gateway is deleted there, and the order is charged`() async throws {
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

    /// The gateway's ids of the methods that the customer sees, sorted.
    private func methods(_ fixture: PaymentFixture) async throws -> [String] {
        try await fixture.harness.database.withConnection { connection in
            try await connection.query("SELECT gateway_id FROM payment_methods WHERE user_id = \(user) AND detach_at IS NULL ORDER BY gateway_id")
        }.map { try $0.decode("gateway_id") }
    }

    @Test func `a customer who has as many methods as can be kept and saves another loses the one that was not used for the longest time`() async throws {
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

    /// The charge's answer is lost, and the order given up: the gateway has saved the method, and only what is listed can be deleted.
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

extension JSONValue {
    subscript(_ name: String) -> JSONValue? {
        if case .object(let fields) = self { fields[name] } else { nil }
    }

    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var list: [JSONValue] { if case .array(let values) = self { values } else { [] } }
}
