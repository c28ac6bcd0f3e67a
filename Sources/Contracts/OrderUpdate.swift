import FoundationEssentials

/// The events `order.actionRequired`, `order.shipped`, `order.delivered`, `order.cancelled`, `order.refunded`, `order.returnRequested`, `order.returnApproved` and
/// `order.returnRefused`: each is published once, when it has happened.
public struct OrderUpdate: Sendable, Codable {
    public let orderID: UUID
    public let number: String
    public let email: String
    /// Those of the parcel or of the return; all lines of the order where it is about the whole order.
    public let lines: [OrderLine]
    public let total: Money
    public var shipmentID: UUID?
    public var refundID: UUID?
    public var returnID: UUID?
    /// What was refunded, or will be for a return.
    public var amount: Money?
    public var carrier: String?
    public var trackingNumber: String?
    public var trackingUrl: String?
    /// Of a cancellation: `cancelledByCustomer` or `cancelledByShop`. Of a refusal: the shop's words.
    public var reason: String?
    public var shippingAddress: Address?
    /// For a required action: when it is too late for the customer to act.
    public var expiresAt: Date?
    public var locale: String?
    /// Nil for a guest.
    public var customerID: UUID?

    public init(orderID: UUID, number: String, email: String, lines: [OrderLine], total: Money) {
        (self.orderID, self.number, self.email, self.lines, self.total) = (orderID, number, email, lines, total)
    }
}

extension OrderUpdate: OrderMessage {
    public var subject: Subject { Subject(order: orderID, number: number) }
}

/// `orders.news.list`: everything of one kind that was announced about an order, as it is now, so that it can be sent again. The answer is a list of the event's bodies;
/// it is empty if the news no longer holds, or if the order no longer knows its customer.
public struct OrderNewsQuery: Sendable, Codable {
    public let orderID: UUID
    /// The name of the event, such as `order.shipped`.
    public let event: String

    public init(orderID: UUID, event: String) {
        self.orderID = orderID
        self.event = event
    }
}
