import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Carts
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Checkouts by a payment method that a customer has saved, and those that save one.
@Suite struct SavedMethodTests {
    private static let owner = Caller(id: UUID(), role: .customer)
    private static let method = UUID()

    /// - Parameter isAway: Whether payments does not answer.
    private func harness(isAway: Bool = false) async throws -> ServiceHarness {
        let prices = PriceList(items: [.init(sku: "tea", name: "Tea", price: Money(amount: 100, currency: "EUR"))])
        let clock = SetClock()
        let definition = CartsService.definition(
            ask: { request, _, _ in
                guard request.operation == MessageName.findPaymentMethods else { return try Reply(json: prices) }
                if isAway { throw RequestClient.Unanswered.timedOut }
                let query: SavedMethodQuery = try JSON.decode(from: request.body)
                let own = query.methods.filter { $0 == .init(id: Self.method, userID: Self.owner.id) }
                return try Reply(json: SavedMethodList(items: own.map { .init(reference: $0, gateway: .stripe, customer: "cus_1", method: "pm_1") }))
            }, clock: clock, randomness: TestRandomness())
        return try await ServiceHarness(definition, CartsService.migrations, clock: clock)
    }

    private func checkout(_ payment: String, by caller: Caller?, on harness: ServiceHarness) async throws -> BatchHandler.Result {
        await harness.send([try await request(payment, by: caller, on: harness)])[0]
    }

    /// A checkout of a new cart.
    private func request(_ payment: String, by caller: Caller?, on harness: ServiceHarness) async throws -> Request {
        let cart: CartView = try await harness.send(try Request("carts.carts.create", caller: caller)).decoded()
        var put = try Request("carts.items.put", parameters: ["id": cart.id.uuidString, "sku": "tea"], caller: caller)
        put.body = Array(#"{"quantity": 1}"#.utf8)
        _ = try await harness.send(put)
        var request = try Request("carts.checkouts.create", caller: caller)
        let address = #"{"name": "Ada", "line1": "12 St James Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}"#
        request.body = Array(#"{"cartId": "\#(cart.id.uuidString)", "email": "ada@example.com", "payment": \#(payment), "shippingAddress": \#(address)}"#.utf8)
        return request
    }

    private static let saved = #"{"gateway": "stripe", "paymentMethod": "\#(method.uuidString.lowercased())"}"#

    private func payment(_ result: BatchHandler.Result) throws -> PaymentChoice {
        try JSON.decode(PlaceOrder.self, from: result.outputs.first { $0.key == MessageName.place }?.body ?? []).payment
    }

    @Test func `a saved method of the customer becomes the gateway's`() async throws {
        let harness = try await harness()
        let choice = try payment(try await checkout(Self.saved, by: Self.owner, on: harness))
        #expect(choice.paymentMethod == "pm_1" && choice.gatewayCustomer == "cus_1" && choice.saveFor == nil)
        await harness.database.close()
    }

    @Test(arguments: [Caller(id: UUID(), role: .customer), Caller(id: UUID(), role: .admin), nil])
    func `another customer's saved method is refused as unknown`(caller: Caller?) async throws {
        let harness = try await harness()
        let result = try await checkout(Self.saved, by: caller, on: harness)
        #expect(try result.reply.status == 422 && result.reply.problem?.errors?.map(\.field) == ["payment.paymentMethod"])
        #expect(result.outputs.isEmpty)
        await harness.database.close()
    }

    @Test func `without payments only checkouts by a saved method wait`() async throws {
        let harness = try await harness(isAway: true)
        #expect(try await checkout(Self.saved, by: Self.owner, on: harness).reply.status == 503)
        let other = try payment(try await checkout(#"{"gateway": "stripe", "paymentMethod": "pm_card_visa"}"#, by: Self.owner, on: harness))
        #expect(other == PaymentChoice(gateway: .stripe, paymentMethod: "pm_card_visa"))
        let batch = [
            try await request(Self.saved, by: Self.owner, on: harness),
            try await request(#"{"gateway": "stripe", "paymentMethod": "pm_card_visa"}"#, by: nil, on: harness),
        ]
        #expect(await harness.send(batch).map { $0.outputs.map(\.key) } == [[], [MessageName.place]], "in one batch")
        await harness.database.close()
    }

    @Test func `only signed-in customers save methods`() async throws {
        let harness = try await harness()
        let saving = #"{"gateway": "stripe", "paymentMethod": "pm_card_visa", "savePaymentMethod": true}"#
        #expect(try payment(try await checkout(saving, by: Self.owner, on: harness)).saveFor == Self.owner.id)
        let guest = try await checkout(saving, by: nil, on: harness).reply
        #expect(guest.status == 422 && guest.problem?.errors?.map(\.field) == ["payment.savePaymentMethod"])
        let payPal = try await checkout(#"{"gateway": "paypal", "savePaymentMethod": true}"#, by: Self.owner, on: harness).reply
        #expect(payPal.status == 422 && payPal.problem?.errors?.map(\.field) == ["payment.savePaymentMethod"])
        await harness.database.close()
    }
}
