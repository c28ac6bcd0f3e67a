public import Contracts
public import FoundationEssentials
import JSON
import Messaging

/// What a notification about an order reports; its raw value is stored.
public enum NotificationKind: String, Sendable, CaseIterable {
    case orderConfirmed, orderRejected, actionRequired, orderShipped, orderDelivered, orderCancelled, orderRefunded
    case returnRequested, returnApproved, returnRefused

    var event: String {
        switch self {
        case .orderConfirmed: MessageName.orderConfirmed
        case .orderRejected: MessageName.orderRejected
        case .actionRequired: MessageName.orderActionRequired
        case .orderShipped: MessageName.orderShipped
        case .orderDelivered: MessageName.orderDelivered
        case .orderCancelled: MessageName.orderCancelled
        case .orderRefunded: MessageName.orderRefunded
        case .returnRequested: MessageName.orderReturnRequested
        case .returnApproved: MessageName.orderReturnApproved
        case .returnRefused: MessageName.orderReturnRefused
        }
    }
}

/// An event about an order, with an address that mail can be sent to.
public struct OrderNews: Sendable {
    public struct Line: Sendable, Equatable {
        public let name: String
        public let quantity: Int
        public let total: Money?
    }

    public let kind: NotificationKind
    public let orderID: UUID
    public let number: String
    public let email: MailAddress
    /// The customer's language tag, where it is known.
    public var locale: String?
    /// Of the order, or of the shipment, refund or return.
    public var lines: [Line] = []
    public var total: Money?
    /// For an order that was rejected the API's word; for a return that was refused, what the shop says.
    public var reason: String?
    public var shippingAddress: Address?
    /// The shipment, refund or return, of which an order may have several.
    public var repetition: UUID?
    public var carrier: String?
    public var trackingNumber: String?
    /// `http` or `https`.
    public var trackingURL: String?
    /// What is refunded.
    public var amount: Money?
    /// Nil for a guest.
    public var customerID: UUID?
    /// When the news is no longer true: a required action can be taken until then.
    public var expiresAt: Date?
}

extension OrderNews {
    /// The body of an event. Members that other versions of a sender leave out are optional; others are ignored.
    private struct Announcement: Decodable {
        struct Line: Decodable {
            let sku: String
            let name: String?
            let quantity: Int
            let lineTotal: Money?
        }

        let orderID: UUID
        let number, email: String
        let locale: String?
        let lines: [Line]?
        let total: Money?
        let reason: String?
        let shippingAddress: Address?
        let shipmentID, refundID, returnID: UUID?
        let carrier, trackingNumber, trackingUrl: String?
        let amount: Money?
        let expiresAt: Date?
        let customerID: UUID?
    }

    static func read(_ kind: NotificationKind) -> @Sendable (Request) throws -> OrderNews {
        { request in
            let order = try Operation.contract(Announcement.self)(request)
            guard let email = MailAddress(bare: order.email) else {
                throw Failure("malformed-message", "order \(order.orderID) has an invalid e-mail address")
            }
            var news = OrderNews(kind: kind, orderID: order.orderID, number: order.number, email: email)
            news.locale = order.locale
            news.lines = (order.lines ?? []).map { Line(name: $0.name ?? $0.sku, quantity: $0.quantity, total: $0.lineTotal) }
            news.total = order.total
            news.reason = order.reason
            news.shippingAddress = order.shippingAddress
            news.repetition = order.shipmentID ?? order.refundID ?? order.returnID
            news.carrier = order.carrier
            news.trackingNumber = order.trackingNumber
            // Earlier versions checked URLs less strictly. A link in a mail may lead only to the Web.
            news.trackingURL = order.trackingUrl.flatMap { WebAddress.isValid($0) ? $0 : nil }
            news.amount = order.amount
            news.expiresAt = order.expiresAt
            news.customerID = order.customerID
            return news
        }
    }
}
