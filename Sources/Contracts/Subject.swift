import FoundationEssentials

/// The order that a message is about, for logs.
///
/// It travels in headers, so that a message that cannot be read, or is set aside, still says which order it belongs to. It contains nothing that logs must not have:
/// no cart, since a guest's order is shown to anyone who knows order and cart.
public struct Subject: Sendable, Hashable, Codable {
    public let order: UUID
    /// The number by which the customer knows it.
    public let number: String?
    /// What happened to it, for messages that report something.
    public let event: String?

    public init(order: UUID, number: String? = nil, event: String? = nil) {
        self.order = order
        self.number = number
        self.event = event
    }
}

/// A message about one order.
public protocol OrderMessage: Sendable {
    var orderID: UUID { get }
    var subject: Subject { get }
}

extension OrderMessage {
    public var subject: Subject { Subject(order: orderID) }
}

extension PlaceOrder: OrderMessage {}
extension ReserveStock: OrderMessage {}
extension SettleReservation: OrderMessage {}
extension UndoExtraPayment: OrderMessage {}
extension ReopenCart: OrderMessage {}
extension VoidPayment: OrderMessage {}
extension CreateRefund: OrderMessage {}
extension PerformRefund: OrderMessage {}

extension ChargeOrder: OrderMessage {
    public var subject: Subject { Subject(order: orderID, number: orderNumber) }
}

extension UnresolvedPayment: OrderMessage {
    public var subject: Subject { Subject(order: orderID, event: cause) }
}

extension CheckoutEvent: OrderMessage {
    public var subject: Subject { Subject(order: orderID, event: kind.rawValue) }
}

extension OrderSettled: OrderMessage {
    public var subject: Subject { Subject(order: orderID, number: number, event: reason) }
}
