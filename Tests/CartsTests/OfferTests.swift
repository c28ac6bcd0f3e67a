import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Carts
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Carts, and a catalog that a test changes.
private struct OfferedCarts: Sendable {
    final class Catalog: Sendable {
        /// Nil does not answer.
        let entries = Mutex<[String: PriceList.Entry]?>([:])
        let asked = Mutex<[PriceQuery]>([])

        func offer(_ sku: String, _ name: String, _ price: Int, currency: String = "EUR", available: Int = 5) {
            entries.withLock {
                $0?[sku] = .init(
                    sku: sku, name: name, price: Money(amount: price, currency: currency), slug: "s-\(sku)", image: Image(url: "/\(sku).jpg"), available: available)
            }
        }

        func answer(_ request: Request) throws -> Reply {
            let query = try JSON.decode(PriceQuery.self, from: request.body)
            asked.withLock { $0.append(query) }
            guard let entries = entries.withLock({ $0 }) else { throw RequestClient.Unanswered.timedOut }
            return try Reply(json: PriceList(items: query.skus.compactMap { entries[$0] }))
        }
    }

    let catalog = Catalog()
    let service: ServiceHarness

    init() async throws {
        let clock = SetClock()
        let definition = CartsService.definition(ask: { [catalog] request, _, _ in try catalog.answer(request) }, clock: clock, randomness: TestRandomness())
        service = try await ServiceHarness(definition, CartsService.migrations, clock: clock)
        catalog.offer("tea", "Tea", 100)
        catalog.offer("cup", "Cup", 500)
    }

    func cart(of caller: Caller? = nil) async throws -> UUID {
        try await service.send(Request("carts.carts.create", caller: caller)).decoded(CartView.self).id
    }

    func put(_ sku: String, _ quantity: Int = 1, into cart: UUID, by caller: Caller? = nil) async throws -> Reply {
        var request = try Request("carts.items.put", parameters: ["id": cart.uuidString, "sku": sku], caller: caller)
        request.body = Array(#"{"quantity": \#(quantity)}"#.utf8)
        return try await service.send(request)
    }

    func get(_ cart: UUID, by caller: Caller? = nil) async throws -> Reply {
        try await service.ask(Request("carts.carts.get", parameters: ["id": cart.uuidString], caller: caller))
    }
}

@Suite struct `What carts show` {
    @Test func `every line shows its current price and stock, with the changes since it was added`() async throws {
        let carts = try await OfferedCarts()
        let cart = try await carts.cart()
        _ = try await carts.put("tea", 2, into: cart)
        let put = try await carts.put("cup", into: cart).decoded(CartView.self)
        #expect(put.items.map(\.slug) == ["s-cup", "s-tea"])
        #expect(put.items.map(\.image?.url) == ["/cup.jpg", "/tea.jpg"])
        #expect(put.items.map(\.available) == [5, 5])
        #expect(put.items.allSatisfy { $0.was == nil && $0.forSale == nil })
        let before = try await carts.get(cart).headers["etag"]
        #expect(try await carts.get(cart).headers["etag"] == before)

        carts.catalog.offer("tea", "Green tea", 150, available: 1)
        let reply = try await carts.get(cart)
        let shown = try reply.decoded(CartView.self)
        let tea = try #require(shown.items.last)
        #expect(tea.name == "Green tea")
        #expect(tea.lineTotal.amount == 300)
        #expect(tea.available == 1)
        #expect(tea.was == CartView.Was(name: "Tea", unitPrice: Money(amount: 100, currency: "EUR")))
        #expect(shown.total.amount == 800)
        #expect(reply.headers["etag"] != before)
        #expect(try await carts.put("tea", 1, into: cart).decoded(CartView.self).items.last?.was == nil)
        await carts.service.database.close()
    }

    @Test func `a line no longer for sale is marked, and a price in another currency is ignored`() async throws {
        let carts = try await OfferedCarts()
        let cart = try await carts.cart()
        _ = try await carts.put("tea", into: cart)
        _ = try await carts.put("cup", into: cart)
        carts.catalog.entries.withLock { $0?["tea"] = nil }
        let shown = try await carts.get(cart).decoded(CartView.self)
        #expect(shown.items.map(\.forSale) == [nil, false])
        #expect(shown.items.map(\.available) == [5, 0])
        carts.catalog.offer("tea", "Tea", 7, currency: "USD")
        #expect(try await carts.get(cart).decoded(CartView.self).total == Money(amount: 500, currency: "EUR"))
        await carts.service.database.close()
    }

    @Test func `without the catalog a cart is shown with its stored prices`() async throws {
        let carts = try await OfferedCarts()
        let caller = Caller(id: UUID(), role: .customer)
        let cart = try await carts.cart(of: caller)
        _ = try await carts.put("tea", into: cart, by: caller)
        carts.catalog.entries.withLock { $0 = nil }
        for reply in [try await carts.get(cart, by: caller), try await carts.service.ask(Request("carts.carts.current", caller: caller))] {
            let line = try #require(try reply.decoded(CartView.self).items.first)
            #expect(line.name == "Tea")
            #expect(line.unitPrice.amount == 100)
            #expect(line.available == nil && line.forSale == nil && line.was == nil)
        }
        #expect(try await carts.put("cup", into: cart, by: caller).status == 503)
        await carts.service.database.close()
    }

    @Test func `a change applies to the version that was read, whatever prices do`() async throws {
        let carts = try await OfferedCarts()
        let cart = try await carts.cart()
        let tag = try await carts.put("tea", into: cart).headers["etag"]
        carts.catalog.offer("tea", "Tea", 101)
        var request = try Request("carts.items.delete", parameters: ["id": cart.uuidString, "sku": "tea"])
        request.parameters["if-match"] = tag
        #expect(try await carts.service.send(request).decoded(CartView.self).items.isEmpty)
        request.id = UUID()
        #expect(try await carts.service.send(request).status == 412)
        await carts.service.database.close()
    }

    @Test func `carts ask the catalog for stock, checkouts do not, and an empty cart does not ask at all`() async throws {
        let carts = try await OfferedCarts()
        let cart = try await carts.cart()
        _ = try await carts.get(cart)
        #expect(carts.catalog.asked.withLock { $0.isEmpty })
        _ = try await carts.put("tea", into: cart)
        #expect(carts.catalog.asked.withLock { $0.last?.availability } == true)
        let ask: RequestClient.Ask = { [catalog = carts.catalog] request, _, _ in try catalog.answer(request) }
        let checkout = CheckoutHandlers(
            pricing: Pricing(ask: ask, randomness: TestRandomness()), methods: SavedMethods(ask: ask, randomness: TestRandomness()), clock: SetClock(), gateways: [.stripe])
        #expect(try await checkout.pricing.prices(of: ["tea"])?.count == 1)
        #expect(carts.catalog.asked.withLock { $0.last?.availability } == nil)
        await carts.service.database.close()
    }
}

@Suite struct `What carts hold` {
    @Test func `a claim reports the quantities it has lowered`() async throws {
        let carts = try await OfferedCarts()
        let caller = Caller(id: UUID(), role: .customer)
        let own = try await carts.cart(of: caller)
        _ = try await carts.put("tea", 600, into: own, by: caller)
        let guest = try await carts.cart()
        _ = try await carts.put("tea", 500, into: guest)
        _ = try await carts.put("cup", into: guest)
        let claimed = try await carts.service.send(Request("carts.carts.claim", parameters: ["id": guest.uuidString], caller: caller)).decoded(CartView.self)
        #expect(claimed.items.map(\.quantity) == [1, 999])
        #expect(claimed.capped == [CartView.Capped(sku: "tea", requested: 1_100, quantity: 999)])
        #expect(try await carts.get(own, by: caller).decoded(CartView.self).capped == nil)
        await carts.service.database.close()
    }

    @Test func `a cart holds a hundred lines`() async throws {
        let carts = try await OfferedCarts()
        let cart = try await carts.cart()
        for number in 0...100 { carts.catalog.offer("s\(number)", "S", 1) }
        for number in 0..<100 { _ = try await carts.put("s\(number)", into: cart) }
        #expect(try await carts.put("s100", into: cart).status == 409)
        #expect(try await carts.put("s99", 2, into: cart).status == 200)
        await carts.service.database.close()
    }

    @Test func `an expired cart is gone before it is swept, and its customer gets a new one`() async throws {
        let carts = try await OfferedCarts()
        let caller = Caller(id: UUID(), role: .customer)
        let (guest, own) = (try await carts.cart(), try await carts.cart(of: caller))
        _ = try await carts.put("tea", into: own, by: caller)
        carts.service.clock.advance(by: Store.lifetime + 3_601)
        #expect(try await carts.get(guest).status == 404)
        #expect(try await carts.get(own, by: caller).status == 404)
        #expect(try await carts.service.ask(Request("carts.carts.current", caller: caller)).status == 404)
        #expect(try await carts.put("tea", into: guest).status == 404)
        let new = try await carts.service.send(Request("carts.carts.create", caller: caller))
        #expect(new.status == 201)
        #expect(try new.decoded(CartView.self).items.isEmpty)
        await carts.service.database.close()
    }
}
