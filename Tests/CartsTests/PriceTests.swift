import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Carts
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Carts, and a catalog whose prices a test sets.
private struct PricedCarts: Sendable {
    final class Catalog: Sendable {
        let prices = Mutex<[String: Int]>(["tea": 100, "cup": 500])
        /// Runs while prices are looked up.
        let meanwhile = Mutex<(@Sendable () async throws -> Void)?>(nil)

        func answer() async throws -> Reply {
            try await meanwhile.withLock { $0 }?()
            let prices = prices.withLock { $0 }
            return try Reply(json: PriceList(items: prices.map { .init(sku: $0, name: $0, price: Money(amount: $1, currency: "EUR")) }))
        }
    }

    let catalog = Catalog()
    let service: ServiceHarness

    init() async throws {
        let clock = SetClock()
        let catalog = catalog
        let definition = CartsService.definition(ask: { _, _, _ in try await catalog.answer() }, clock: clock, randomness: TestRandomness())
        service = try await ServiceHarness(definition, CartsService.migrations, clock: clock)
    }

    func cart(of caller: Caller? = nil) async throws -> UUID {
        try await service.send(Request("carts.carts.create", caller: caller)).decoded(CartView.self).id
    }

    func put(_ sku: String, into cart: UUID, ifMatch: String? = nil, by caller: Caller? = nil) throws -> Request {
        var parameters = ["id": cart.uuidString, "sku": sku]
        parameters["if-match"] = ifMatch
        var request = try Request("carts.items.put", parameters: parameters, caller: caller)
        request.body = Array(#"{"quantity": 2}"#.utf8)
        return request
    }

    func checkout(_ cart: UUID, expecting total: Int? = nil, in locale: String? = nil, by caller: Caller? = nil) throws -> Request {
        var request = try Request("carts.checkouts.create", caller: caller)
        let language = locale.map { #", "locale": "\#($0)""# } ?? ""
        let expected = total.map { #", "expectedTotal": {"amount": \#($0), "currency": "EUR"}"# } ?? ""
        request.body = Array(
            """
            {"cartId": "\(cart.uuidString)", "email": "ada@wharf.example", "payment": {"gateway": "stripe", "paymentMethod": "pm_card_visa"},
             "shippingAddress": {"name": "Ada", "line1": "12 St James Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}\(expected)\(language)}
            """.utf8)
        return request
    }

    /// The order that a checkout became.
    func order(_ result: BatchHandler.Result) throws -> PlaceOrder {
        try JSON.decode(from: result.outputs.first { $0.key == MessageName.place }?.body ?? [])
    }
}

@Suite struct PriceTests {
    @Test func `an order has the prices at checkout, not those at which its cart was filled`() async throws {
        let carts = try await PricedCarts()
        let cart = try await carts.cart()
        #expect(try await carts.service.send(carts.put("tea", into: cart)).status == 200)
        carts.catalog.prices.withLock { $0["tea"] = 250 }
        let order = try carts.order(await carts.service.send([try carts.checkout(cart)])[0])
        #expect(order.lines.map(\.unitPrice.amount) == [250])
        #expect(order.total == Money(amount: 500, currency: "EUR"))
        await carts.service.database.close()
    }

    @Test func `a total that differs from the one the customer has seen is rejected`() async throws {
        let carts = try await PricedCarts()
        let cart = try await carts.cart()
        _ = try await carts.service.send(carts.put("tea", into: cart))
        #expect(try await carts.service.send(carts.checkout(cart, expecting: 199)).status == 409)
        let result = await carts.service.send([try carts.checkout(cart, expecting: 200)])[0]
        #expect(try carts.order(result).total.amount == 200)
        await carts.service.database.close()
    }

    @Test func `an order has the language of the checkout, or that of the account`() async throws {
        let carts = try await PricedCarts()
        let caller = Caller(id: UUID(), role: .customer, email: "ada@wharf.example", locale: "en-GB")
        for (locale, expected) in [("de-AT", "de-AT"), (nil, "en-GB")] as [(String?, String)] {
            let cart = try await carts.cart(of: caller)
            _ = try await carts.service.send(carts.put("tea", into: cart, by: caller))
            #expect(try await carts.service.send(carts.checkout(cart, in: "german", by: caller)).status == 422)
            #expect(try carts.order(await carts.service.send([try carts.checkout(cart, in: locale, by: caller)])[0]).locale == expected)
        }
        await carts.service.database.close()
    }

    @Test func `an item added while prices are looked up is not sold without a price`() async throws {
        let carts = try await PricedCarts()
        let cart = try await carts.cart()
        _ = try await carts.service.send(carts.put("tea", into: cart))
        let late = OrderLine(sku: "cup", name: "cup", quantity: 1, unitPrice: Money(amount: 1, currency: "EUR"))
        carts.catalog.meanwhile.withLock { [database = carts.service.database] in
            $0 = { try await database.transaction { try await Store.put([(cart, late)], on: $0) } }
        }
        #expect(try await carts.service.send(carts.checkout(cart)).status == 503)
        await carts.service.database.close()
    }

    @Test func `of two checkouts of one cart in one batch one becomes an order`() async throws {
        let carts = try await PricedCarts()
        let cart = try await carts.cart()
        _ = try await carts.service.send(carts.put("tea", into: cart))
        let results = await carts.service.send([try carts.checkout(cart), try carts.checkout(cart)])
        #expect(results.flatMap(\.outputs).count { $0.key == MessageName.place } == 1)
        #expect(try results[1].reply.status == 409)
        await carts.service.database.close()
    }
}

@Suite struct CartLockTests {
    @Test func `two changes of one cart at once are both kept and both counted`() async throws {
        let carts = try await PricedCarts()
        let cart = try await carts.cart()
        let (first, second) = try await meet(carts, try carts.put("tea", into: cart), try carts.put("cup", into: cart))
        #expect([first.status, second.status] == [200, 200])
        #expect(try second.decoded(CartView.self).items.map(\.sku) == ["cup", "tea"])
        #expect(first.headers["etag"] != second.headers["etag"])
        await carts.service.database.close()
    }

    @Test func `of two changes under one If-Match at once the second is rejected`() async throws {
        let carts = try await PricedCarts()
        let cart = try await carts.cart()
        let tag = try await carts.service.ask(Request("carts.carts.get", parameters: ["id": cart.uuidString])).headers["etag"]
        let (first, second) = try await meet(
            carts, try carts.put("tea", into: cart, ifMatch: tag), try carts.put("cup", into: cart, ifMatch: tag))
        #expect([first.status, second.status] == [200, 412])
        await carts.service.database.close()
    }

    @Test func `a customer's cart belongs to no one else`() async throws {
        let carts = try await PricedCarts()
        let owner = Caller(id: UUID(), role: .customer)
        let cart = try await carts.cart(of: owner)
        for stranger in [nil, Caller(id: UUID(), role: .customer)] {
            #expect(try await carts.service.send(carts.put("tea", into: cart, by: stranger)).status == 404)
            #expect(try await carts.service.ask(Request("carts.carts.get", parameters: ["id": cart.uuidString], caller: stranger)).status == 404)
        }
        #expect(try await carts.service.send(carts.put("tea", into: cart, by: owner)).status == 200)
        await carts.service.database.close()
    }

    private func meet(_ carts: PricedCarts, _ first: Request, _ second: Request) async throws -> (Reply, Reply) {
        try await StandOff(database: carts.service.database, hold: "SELECT FROM carts FOR UPDATE").results {
            try await carts.service.send(first)
        } then: {
            try await carts.service.send(second)
        }
    }
}
