import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// `carts.carts.reopen`: the order that closed the cart was given up, and the customer may order again.
struct Reopening: Sendable {
    let clock: any WallClock

    func reopen(_ items: [IncomingMessage<ReopenCart>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await Store.reopen(
            items.map { (id: $0.input.cartID, order: $0.input.orderID) }, until: Store.expiry(from: clock.now()), on: transaction)
        // A cart that is gone, or was closed by a later order, stays as it is.
        return try items.map {
            .done(emit: [try OutgoingMessage(.request(MessageName.advance), CheckoutEvent(orderID: $0.input.orderID, kind: .cartReopened))])
        }
    }
}

extension Store {
    /// Reopens the carts that these orders closed. A customer who has opened another cart since keeps that one as the current one.
    fileprivate static func reopen(_ carts: [(id: UUID, order: UUID)], until end: Date, on transaction: any SQLConnection) async throws {
        _ = try await lock(carts.map(\.id), on: transaction)
        do {
            try await transaction.execute(
                """
                UPDATE carts
                SET order_id = NULL, version = version + 1, expires_at = \(end),
                    is_aside = EXISTS (
                        SELECT 1 FROM carts AS other
                        WHERE other.customer_id = carts.customer_id AND other.order_id IS NULL AND NOT other.is_aside)
                FROM unnest(\(carts.map(\.id)), \(carts.map(\.order))) AS given_up (id, order_id)
                WHERE carts.id = given_up.id AND carts.order_id = given_up.order_id
                """)
        } catch let error as PostgresError where error.sqlState == "23505" {
            // The customer has opened another cart in between, or two of the customer's carts are reopened at once.
            throw Failure("cart-raced", "another cart became the customer's current one", remedy: .retry)
        }
    }
}
