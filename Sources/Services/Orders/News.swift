import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// `orders.news.list`: what was announced about an order, for notifications that are sent again.
struct News: Sendable {
    let times: CheckoutTimes

    func list(_ items: [IncomingMessage<OrderNewsQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        let orders = try await Store.find(items.map(\.input.orderID), on: connection)
        return try items.map { item in
            guard let order = orders[item.input.orderID] else { return .refused(.notFound("order")) }
            return .done(try order.email == Erased.email ? Reply(json: [OrderUpdate]()) : reply(item.input.event, order))
        }
    }

    private func reply(_ event: String, _ order: OrderRow) throws -> Reply {
        switch event {
        case MessageName.orderConfirmed: try Reply(json: order.checkout.phase == .confirmed ? [OrderSettled(order)] : [])
        case MessageName.orderRejected: try Reply(json: order.checkout.phase == .rejected ? [OrderSettled(order)] : [])
        default: try Reply(json: updates(event, order))
        }
    }

    private func updates(_ event: String, _ order: OrderRow) throws -> [OrderUpdate] {
        let fulfilment = try order.fulfilment
        switch event {
        case MessageName.orderActionRequired where order.checkout.phase == .awaitingCustomer:
            return [try OrderUpdate(actionRequiredFor: order, until: times.end(placedAt: order.placedAt))]
        case MessageName.orderCancelled where order.checkout.phase == .cancelled: return [try OrderUpdate(cancelled: order)]
        case MessageName.orderShipped: return try fulfilment.shipments.map { try OrderUpdate($0, of: order) }
        case MessageName.orderDelivered: return fulfilment.deliveredAt == nil ? [] : [try OrderUpdate(order)]
        case MessageName.orderRefunded:
            return try fulfilment.refunds.compactMap { id in
                guard let amount = fulfilment.amount(of: id) else { return nil }
                var update = try OrderUpdate(order)
                update.refundID = id
                update.amount = Money(amount: amount, currency: order.total.currency)
                return update
            }
        case MessageName.orderReturnRequested: return try fulfilment.returns.map { try OrderUpdate($0, of: order) }
        case MessageName.orderReturnApproved: return try fulfilment.returns.filter { $0.refusal == nil && $0.state != .requested }.map { try OrderUpdate($0, of: order) }
        case MessageName.orderReturnRefused: return try fulfilment.returns.filter { $0.refusal != nil }.map { try OrderUpdate($0, of: order) }
        default: return []
        }
    }
}
