import Contracts
import Messaging
import PostgreSQL
import Runtime

/// Carts: what a customer or a guest has collected, until it is ordered.
public enum CartsService {
    public static let name = "carts"
    public static let migrations = Inbox.migrations + Schema.migrations
    static let expiryInterval: Duration = .seconds(60)

    /// - Parameters:
    ///   - ask: sends a request to another service; `RequestClient.ask` in production.
    ///   - gateways: The gateways that customers may pay with.
    public static func definition(
        ask: @escaping RequestClient.Ask, clock: any WallClock, randomness: any Randomness, gateways: Set<GatewayName> = [.stripe]
    ) -> ServiceDefinition {
        let pricing = Pricing(ask: ask, randomness: randomness)
        let carts = CartHandlers(pricing: pricing, clock: clock, randomness: randomness)
        let items = ItemHandlers(pricing: pricing, clock: clock)
        let methods = SavedMethods(ask: ask, randomness: randomness)
        let checkouts = CheckoutHandlers(pricing: pricing, methods: methods, clock: clock, gateways: gateways)
        let reopening = Reopening(clock: clock)
        let customers = Customers()
        return ServiceDefinition(
            name: name,
            operations: [
                .findInInbox(of: name),
                .compositeQuery("carts.carts.get", reading: CartAccess.read, answer: carts.get),
                .compositeQuery("carts.carts.current", reading: { _ in () }, answer: carts.current),
                // They lock carts, as the others do, and customers before that: none of them shares its transaction with another kind.
                .command("carts.carts.create", reading: CartAccess.readNone, lookup: carts.offers, handle: carts.create),
                .command("carts.carts.delete", transaction: .own, reading: CartAccess.read, handle: carts.delete),
                .command("carts.carts.claim", reading: CartAccess.read, lookup: carts.offers, handle: carts.claim),
                .query(MessageName.exportFromCarts, reading: Operation.contract(Customer.self), handle: customers.export),
                .command(MessageName.eraseInCarts, transaction: .own, reading: Operation.contract(Customer.self), handle: customers.erase),
                .command(MessageName.reopenCart, transaction: .own, reading: Operation.contract(ReopenCart.self), handle: reopening.reopen),
                .command("carts.items.put", reading: PutItem.read, lookup: items.offers, ahead: { Store.locking($0.map(\.input.cart)) }, handle: items.put),
                .command("carts.items.delete", reading: PutItem.readSKU, lookup: items.offers, ahead: { Store.locking($0.map(\.input.cart)) }, handle: items.delete),
                .command(
                    "carts.checkouts.create", reading: StartCheckout.read, lookup: checkouts.prices, ahead: { Store.locking($0.map(\.input.cart)) }, handle: checkouts.order),
            ],
            pollers: [Poller(name: "expired carts", interval: expiryInterval, find: carts.dropExpired)],
            sends: [MessageName.place, MessageName.advance, MessageName.customerErased], asks: [MessageName.price, MessageName.findPaymentMethods])
    }
}
