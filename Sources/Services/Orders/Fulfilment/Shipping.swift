import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// `orders.shipments.create` and `orders.orders.deliver`: what the warehouse does with a confirmed order.
extension Changing {
    func ship(_ items: [IncomingMessage<NewShipment>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, of: \.order, on: transaction) { item, order, now in
            try order.expectBooked()
            var fulfilment = try order.fulfilment
            let known = fulfilment.shipments.count
            let shipment = try fulfilment.ship(item.input, id: item.request.id, of: try order.lines.value, at: now)
            guard fulfilment.shipments.count > known else { return (try order.reply(status: 201), []) }
            try order.change(fulfilment)
            order.note(order.state, "\(shipment.lines.text) by \(shipment.carrier), \(shipment.trackingNumber)", by: .shop, at: now)
            return (try order.reply(status: 201), [try OutgoingMessage(.event(MessageName.orderShipped), OrderUpdate(shipment, of: order))])
        }
    }

    func deliver(_ items: [IncomingMessage<DeliverOrder>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, of: \.order, on: transaction) { item, order, now in
            try order.expectBooked()
            var fulfilment = try order.fulfilment
            guard try fulfilment.deliver(try order.lines.value, at: now) else { return (try order.reply(status: 200), []) }
            try order.change(fulfilment)
            order.note(order.state, "delivered", by: .shop, at: now)
            return (try order.reply(status: 200), [try OutgoingMessage(.event(MessageName.orderDelivered), OrderUpdate(order))])
        }
    }
}

extension OrderRow {
    /// Only goods that were taken from stock for this order leave the warehouse.
    func expectBooked() throws {
        switch checkout.phase {
        case .confirmed: return
        // Catalog's report is under way.
        case .confirming: throw Failure("sale-not-booked", "the sale of order \(id) is not booked yet", remedy: .retry)
        case .rejected: throw Problem.conflict("order-rejected", "The order was rejected.")
        case _ where checkout.isCancelled: throw Problem.conflict("order-cancelled", "The order was cancelled.")
        case .reserving, .charging, .awaitingCustomer, .booked, .voiding, .releasing, .reopening, .cancelled:
            throw Problem.conflict("order-not-confirmed", "The order is not confirmed.")
        }
    }
}
