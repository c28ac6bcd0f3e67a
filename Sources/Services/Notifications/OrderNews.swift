public import Contracts
public import FoundationEssentials
import JSON
import Messaging

/// What a notification about an order reports; its raw value is stored.
public enum NotificationKind: String, Sendable, CaseIterable {
    case orderConfirmed, orderRejected

    var event: String {
        switch self {
        case .orderConfirmed: MessageName.orderConfirmed
        case .orderRejected: MessageName.orderRejected
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
    public let lines: [Line]
    public let total: Money?
    /// Why, for an order that was rejected.
    public let reason: String?
    public let shippingAddress: Address?
    /// The shipment, refund or return, of which an order may have several.
    public let repetition: UUID?
}

extension OrderNews {
    /// The body of an event. What it does not need to have is left out by senders of other versions.
    private struct Announcement: Decodable {
        struct Line: Decodable {
            let sku: String
            let name: String?
            let quantity: Int
            let lineTotal: Money?
        }

        let orderID: UUID
        let number, email: String
        let lines: [Line]?
        let total: Money?
        let reason: String?
        let shippingAddress: Address?
        let shipmentID, refundID, returnID: UUID?
    }

    static func read(_ kind: NotificationKind) -> @Sendable (Request) throws -> OrderNews {
        { request in
            let order = try Operation.contract(Announcement.self)(request)
            guard let email = MailAddress(bare: order.email) else {
                throw Failure("malformed-message", "order \(order.orderID) has an invalid e-mail address")
            }
            return OrderNews(
                kind: kind, orderID: order.orderID, number: order.number, email: email,
                lines: (order.lines ?? []).map { Line(name: $0.name ?? $0.sku, quantity: $0.quantity, total: $0.lineTotal) }, total: order.total,
                reason: order.reason, shippingAddress: order.shippingAddress, repetition: order.shipmentID ?? order.refundID ?? order.returnID)
        }
    }
}
