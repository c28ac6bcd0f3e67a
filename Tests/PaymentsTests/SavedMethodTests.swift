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

extension JSONValue {
    subscript(_ name: String) -> JSONValue? {
        if case .object(let fields) = self { fields[name] } else { nil }
    }

    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var list: [JSONValue] { if case .array(let values) = self { values } else { [] } }
}
