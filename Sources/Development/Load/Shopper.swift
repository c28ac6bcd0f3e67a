import Contracts
import FoundationEssentials
import Messaging
import ShopClient

/// A cart that is full and not yet ordered.
package struct FilledCart: Sendable {
    package let id: UUID
    /// Pieces by SKU.
    let quantities: [String: Int]
    /// As the shop reported it.
    let total: Money
}

/// An order that the shop has accepted.
package struct PlacedOrder: Sendable {
    package let id: UUID
    /// Lets a guest read the order.
    package let token: String?
    package let cart: UUID
    package let total: Money
    /// Whether it holds what its cart held, at the same total.
    let isFaithful: Bool
    /// When the checkout was first sent.
    let sentAt: Date
    /// From then until it was accepted, all attempts included.
    let acceptance: Duration
}

/// A guest who fills a cart and orders it.
package struct Shopper: Sendable {
    private static let card = "pm_card_visa"

    package let shop: Shop
    package let goods: [Good]

    package init(shop: Shop, goods: [Good]) {
        self.shop = shop
        self.goods = goods
    }

    /// - Throws: ``Refusal``, and what ``Shop/answer(to:)`` throws.
    package func fillCart(_ basket: [Baskets.Line]) async throws -> FilledCart {
        var cart: Cart = try await shop.reply(to: Shop.Call(method: "POST", path: "/v1/carts"), expecting: [201])
        for line in basket {
            let path = "/v1/carts/\(cart.id.uuidString.lowercased())/items/\(goods[line.good].sku)"
            cart = try await shop.reply(to: .send("PUT", path, Quantity(quantity: line.quantity)))
        }
        let quantities = Dictionary(basket.map { (goods[$0.good].sku, $0.quantity) }, uniquingKeysWith: +)
        return FilledCart(id: cart.id, quantities: quantities, total: cart.total)
    }

    /// - Throws: ``Refusal``, and what ``Shop/answer(to:)`` throws.
    package func checkOut(_ cart: FilledCart) async throws -> PlacedOrder {
        let body = CheckoutBody(
            cartId: cart.id.uuidString.lowercased(), email: "load@wharf.example", shippingAddress: Self.address,
            payment: PaymentChoice(gateway: .stripe, paymentMethod: Self.card))
        let call = try Shop.Call.send("POST", "/v1/checkouts", body)
        let sentAt = Date()
        let clock = ContinuousClock()
        let start = clock.now
        let answer: CheckoutAnswer = try await shop.reply(to: call, expecting: [200, 202])
        return PlacedOrder(
            id: answer.order.id, token: answer.token, cart: cart.id, total: answer.order.total,
            isFaithful: answer.order.quantities == cart.quantities && answer.order.total == cart.total, sentAt: sentAt,
            acceptance: clock.now - start)
    }

    private static let address = Address(
        name: "Ada Lovelace", line1: "12 St James's Square", line2: nil, city: "London", postalCode: "SW1Y 4JH", country: "GB")

    private struct Cart: Decodable {
        let id: UUID
        let total: Money
    }

    private struct Quantity: Encodable {
        let quantity: Int
    }

    private struct CheckoutBody: Encodable {
        let cartId, email: String
        let shippingAddress: Address
        let payment: PaymentChoice
    }

    private struct CheckoutAnswer: Decodable {
        let order: ReportedOrder
        let token: String?
    }
}
