import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// `orders.shipments.create` and `orders.orders.deliver`: what the warehouse does with a confirmed order.
extension Changing {
    func ship(_ items: [IncomingMessage<NewShipment>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, of: \.order, on: transaction) { item, order, now in
            try order.expectConfirmed()
            var fulfilment = try order.fulfilment
            try order.expectPayment(for: fulfilment)
            let known = fulfilment.shipments.count
            let shipment = try fulfilment.ship(item.input, id: item.request.id, of: try order.lines.value, at: now)
            guard fulfilment.shipments.count > known else { return (try order.reply(status: 201), []) }
            try order.change(fulfilment)
            order.note(order.state, "\(shipment.lines.text) by \(shipment.carrier), \(shipment.trackingNumber)", by: .shop, at: now)
            var messages = [try OutgoingMessage(.event(MessageName.orderShipped), OrderUpdate(shipment, of: order))]
            // The first parcel captures the whole payment; a request with a later parcel captures nothing more.
            if order.paymentState == .authorized { messages.append(try OutgoingMessage(.request(MessageName.capture), CapturePayment(orderID: order.id))) }
            return (try order.reply(status: 201), messages)
        }
    }

    func deliver(_ items: [IncomingMessage<DeliverOrder>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, of: \.order, on: transaction) { item, order, now in
            try order.expectConfirmed()
            var fulfilment = try order.fulfilment
            guard try fulfilment.deliver(try order.lines.value, at: now) else { return (try order.reply(status: 200), []) }
            try order.change(fulfilment)
            order.note(order.state, "delivered", by: .shop, at: now)
            return (try order.reply(status: 200), [try OutgoingMessage(.event(MessageName.orderDelivered), OrderUpdate(order))])
        }
    }
}

extension OrderRow {
    /// An authorization may end before anything is shipped.
    func expectPayment(for fulfilment: Fulfilment) throws {
        guard paymentState == .cancelled, total.amount > 0, fulfilment.shipments.isEmpty else { return }
        throw Problem.conflict("payment-cancelled", "The authorization of the payment has ended, so nothing pays for the order.")
    }

    /// Only goods that are paid for leave the warehouse.
    func expectConfirmed() throws {
        switch checkout.phase {
        case .confirmed: return
        // An earlier version left the order in this phase; it is about to be confirmed.
        case .confirming: throw Failure("sale-not-booked", "the sale of order \(id) is not booked yet", remedy: .retry)
        case .rejected: throw Problem.conflict("order-rejected", "The order was rejected.")
        case _ where checkout.isCancelled: throw Problem.conflict("order-cancelled", "The order was cancelled.")
        case .reserving, .charging, .awaitingCustomer, .booked, .voiding, .releasing, .reopening, .cancelled:
            throw Problem.conflict("order-not-confirmed", "The order is not confirmed.")
        }
    }
}
