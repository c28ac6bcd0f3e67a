import Contracts
import FoundationEssentials

extension OrderUpdate {
    /// - Parameter pieces: The pieces concerned, by SKU; nil for the whole order.
    init(_ order: OrderRow, pieces: [String: Int]? = nil) throws {
        let lines = try order.lines.value.compactMap { line -> OrderLine? in
            guard let pieces else { return line }
            return pieces[line.sku].map {
                OrderLine(sku: line.sku, name: line.name, quantity: $0, unitPrice: line.unitPrice, slug: line.slug, image: line.image)
            }
        }
        self.init(orderID: order.id, number: order.number, email: order.email, lines: lines, total: order.total)
        shippingAddress = try order.shippingAddress.value
        locale = order.locale
        customerID = order.customerID
    }

    init(actionRequiredFor order: OrderRow, until end: Date?) throws {
        try self.init(order)
        expiresAt = end
    }

    init(cancelled order: OrderRow) throws {
        try self.init(order)
        reason = order.checkout.reason?.rawValue
        if order.refunded > 0 { amount = Money(amount: order.refunded, currency: order.total.currency) }
    }

    init(_ shipment: Fulfilment.Shipment, of order: OrderRow) throws {
        try self.init(order, pieces: Fulfilment.sum(shipment.lines))
        shipmentID = shipment.id
        (carrier, trackingNumber, trackingUrl) = (shipment.carrier, shipment.trackingNumber, shipment.trackingUrl)
    }

    init(_ one: Return, of order: OrderRow) throws {
        try self.init(order, pieces: Fulfilment.sum(one.lines.map(\.pieces)))
        returnID = one.id
        amount = one.amount
        reason = one.refusal
    }
}
