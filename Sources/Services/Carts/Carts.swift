import Contracts
import Messaging
import PostgreSQL

/// Carts: what a customer or a guest has gathered, until it is ordered.
public enum CartsService {
    public static let name = "carts"
    public static let migrations = Inbox.migrations + Schema.migrations
    static let expiryInterval: Duration = .seconds(60)

    /// - Parameter ask: Sends a request to another service; `RequestClient.send` in production.
    public static func definition(
        ask: @escaping Pricing.Ask, clock: any WallClock, randomness: any Randomness
    ) -> ServiceDefinition {
        let pricing = Pricing(ask: ask, randomness: randomness)
        let carts = CartHandlers(pricing: pricing, clock: clock, randomness: randomness)
        let items = ItemHandlers(pricing: pricing, clock: clock)
        let checkouts = CheckoutHandlers(pricing: pricing, clock: clock)
        let reopening = Reopening(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .informedQuery("carts.carts.get", reading: CartAccess.read, answer: carts.get),
                .informedQuery("carts.carts.current", reading: { _ in () }, answer: carts.current),
                // They lock carts, as the others do, and customers before that: none shares its transaction with another kind.
                .informed("carts.carts.create", reading: CartAccess.readNone, ask: carts.offers, handle: carts.create),
                .separate("carts.carts.delete", reading: CartAccess.read, handle: carts.delete),
                .informed("carts.carts.claim", reading: CartAccess.read, ask: carts.offers, handle: carts.claim),
                .separate(MessageName.reopenCart, reading: Operation.contract(ReopenCart.self), handle: reopening.reopen),
                .informed("carts.items.put", reading: PutItem.read, ask: items.offers, handle: items.put),
                .informed("carts.items.delete", reading: PutItem.readSKU, ask: items.offers, handle: items.delete),
                .external(
                    "carts.checkouts.create", reading: StartCheckout.read, prepare: checkouts.skus,
                    perform: checkouts.price, complete: checkouts.complete),
            ],
            pollers: [Poller(name: "expired carts", interval: expiryInterval, find: carts.dropExpired)])
    }
}
