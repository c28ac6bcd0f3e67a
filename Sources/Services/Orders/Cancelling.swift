import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// `orders.orders.cancel`: an order of which nothing has been shipped is given up, whatever its checkout is doing.
extension Changing {
    func cancel(_ items: [IncomingMessage<CancelOrder>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, of: \.order.id, on: transaction) { item, order, now in
            let caller = item.request.caller
            guard item.input.order.mayRead(order, caller) else { throw Problem.notFound("order") }
            // The lock on the saga's row decides between a cancellation and a shipment.
            guard order.shipping == nil else {
                throw Problem.conflict("already-shipped", "The order has been shipped, at least in part. Shipped items can be returned.")
            }
            guard order.checkout.phase != .rejected else {
                throw Problem.conflict("order-rejected", "The order was rejected: there is nothing to cancel.")
            }
            let canceller: Checkout.Canceller = caller.actor == .shop ? .shop : .customer
            // Nil for an order that is cancelled already, or being given up for another reason.
            guard let (next, steps) = order.checkout.after(.cancelled(by: canceller)) else { return (try order.reply(status: 202), []) }
            order.checkout = next
            order.retries = 0
            order.clientSecret = nil
            let detail = OrderView.Entry.cancelled + (item.input.reason.map { ": \($0)" } ?? "")
            order.note(next.phase.rawValue, detail, by: caller.actor, at: now)
            return (try order.reply(status: 202), try steps.map { try OutgoingMessage($0, for: order) })
        }
    }
}
