import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Carts
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct CartTests {
    private func harness() async throws -> ServiceHarness {
        let clock = SetClock()
        let prices = PriceList(items: [
            .init(sku: "tea", name: "Tea", price: Money(amount: 100, currency: "EUR")), .init(sku: "pin", name: "Pin", price: Money(amount: 10, currency: "EUR")),
            .init(sku: "old", name: "Old", price: Money(amount: 1_234, currency: "KWD")), .init(sku: "odd", name: "Odd", price: Money(amount: 100, currency: "ABC")),
            .init(sku: "gift", name: "Gift", price: Money(amount: 0, currency: "EUR")),
        ])
        let definition = CartsService.definition(
            ask: { _, _, _ in try Reply(json: prices) }, clock: clock, randomness: TestRandomness())
        return try await ServiceHarness(definition, CartsService.migrations, clock: clock)
    }

    private func cart(of caller: Caller? = nil, with sku: String? = nil, on harness: ServiceHarness) async throws -> CartView {
        let cart: CartView = try await harness.send(try Request("carts.carts.create", caller: caller)).decoded()
        guard let sku else { return cart }
        var put = try Request("carts.items.put", parameters: ["id": cart.id.uuidString, "sku": sku], caller: caller)
        put.body = Array(#"{"quantity": 1}"#.utf8)
        return try await harness.send(put).decoded()
    }

    private func claim(_ cart: CartView, by caller: Caller) throws -> Request {
        try Request("carts.carts.claim", parameters: ["id": cart.id.uuidString], caller: caller)
    }

    /// Each in a transaction of its own, all at once.
    private func together(_ requests: [Request], on harness: ServiceHarness) async throws -> [Reply] {
        try await withThrowingTaskGroup(of: Reply.self) { group in
            for request in requests { group.addTask { try await harness.send(request) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `six carts claimed at once by a customer without one become one`() async throws {
        let harness = try await harness()
        for _ in 0..<5 {
            let caller = Caller(id: UUID(), role: .customer)
            var claims: [Request] = []
            for _ in 0..<6 { claims.append(try claim(try await cart(with: "tea", on: harness), by: caller)) }
            let replies = try await together(claims + [try Request("carts.carts.create", caller: caller)], on: harness)
            #expect(replies.allSatisfy { (200..<300).contains($0.status) })
            let current: CartView = try await harness.ask(try Request("carts.carts.current", caller: caller)).decoded()
            #expect(current.items.map(\.quantity) == [6])
            #expect(try await harness.count("SELECT count(*) FROM carts WHERE customer_id = \(caller.id)") == 1)
        }
        await harness.database.close()
    }

    @Test func `two customers who claim one cart do not both get it`() async throws {
        let harness = try await harness()
        let callers = [Caller(id: UUID(), role: .customer), Caller(id: UUID(), role: .customer)]
        let guest = try await cart(with: "tea", on: harness)
        let replies = try await together(try callers.map { try claim(guest, by: $0) }, on: harness)
        #expect(replies.map(\.status).sorted() == [200, 404])
        await harness.database.close()
    }

    @Test func `batches that claim the same carts in opposite orders do not deadlock`() async throws {
        let harness = try await harness()
        let callers = [Caller(id: UUID(), role: .customer), Caller(id: UUID(), role: .customer)]
        var carts: [CartView] = []
        for caller in callers { carts.append(try await cart(of: caller, with: "tea", on: harness)) }
        let guests = [try await cart(with: "tea", on: harness), try await cart(with: "tea", on: harness)]
        let first = [try claim(guests[0], by: callers[0]), try claim(guests[1], by: callers[1])]
        let second = [try claim(guests[1], by: callers[1]), try claim(guests[0], by: callers[0])]
        let deadlocks = try await StandOff(database: harness.database, hold: "SELECT FROM carts FOR UPDATE").deadlocks {
            _ = await harness.send(first)
        } and: {
            _ = await harness.send(second)
        }
        #expect(deadlocks == 0)
    }

    @Test func `concurrent claims wait for each other, and none of their transactions fails`() async throws {
        let harness = try await harness()
        let caller = Caller(id: UUID(), role: .customer)
        let claims = [try claim(try await cart(with: "tea", on: harness), by: caller), try claim(try await cart(with: "pin", on: harness), by: caller)]
        // Whichever makes its cart the current one waits for a cart that comes to nothing: by then both have read that there is none, if they may.
        let hold: SQL = """
            DO $$ BEGIN
                INSERT INTO carts (id, customer_id, expires_at) VALUES (gen_random_uuid(), '\(raw: caller.id.uuidString)', 'infinity');
                DELETE FROM carts WHERE customer_id = '\(raw: caller.id.uuidString)';
            END $$
            """
        let rollbacks = try await StandOff(database: harness.database, hold: hold).rollbacks {
            _ = await harness.send([claims[0]])
        } and: {
            _ = await harness.send([claims[1]])
        }
        #expect(rollbacks == 0)
    }

    private func checkout(_ cart: CartView, _ more: String = "") throws -> Request {
        var request = try Request("carts.checkouts.create")
        request.body = Array(
            """
            {"cartId": "\(cart.id.uuidString)", "email": "ada@example.com", "payment": {"gateway": "stripe", "paymentMethod": "pm_card_visa"},
             "shippingAddress": {"name": "Grace", "company": "Harbour", "line1": "350 Fifth Avenue", "city": "New York", "region": "NY",
             "postalCode": "10118", "country": "US", "phone": "+1 212 555 0100"}\(more)}
            """.utf8)
        return request
    }

    @Test(arguments: ["old", "odd", "pin"])
    func `a total that the gateway cannot charge is refused at the checkout`(sku: String) async throws {
        let harness = try await harness()
        let reply = try await harness.send(try checkout(try await cart(with: sku, on: harness)))
        #expect(reply.status == 422)
        #expect(reply.problem?.errors?.map(\.field) == ["cartId"])
        await harness.database.close()
    }

    @Test(arguments: ["tea", "gift"])
    func `an order carries the whole address`(sku: String) async throws {
        let harness = try await harness()
        let outputs = await harness.send([try checkout(try await cart(with: sku, on: harness))])[0].outputs
        let order = try JSON.decode(PlaceOrder.self, from: try #require(outputs.first).body)
        #expect(
            order.shippingAddress
                == Address(
                    name: "Grace", company: "Harbour", line1: "350 Fifth Avenue", city: "New York", region: "NY", postalCode: "10118", country: "US",
                    phone: "+1 212 555 0100"))
        await harness.database.close()
    }
}
