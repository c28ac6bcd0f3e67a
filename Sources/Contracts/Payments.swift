import FoundationEssentials

/// A payment gateway, as orders, settings and tables name it.
public enum GatewayName: String, Sendable, Hashable, Codable, CaseIterable {
    case stripe, paypal

    /// Whether the customer approves a payment on the gateway's own pages, and Wharf captures it afterwards.
    public var redirects: Bool { self == .paypal }
}

/// When the money of an order is taken.
public enum CaptureMode: String, Sendable, Hashable, CaseIterable {
    /// At the checkout.
    case automatic
    /// The money is reserved at the checkout, and taken at the first shipment.
    case manual
}

public struct PaymentChoice: Sendable, Hashable, Codable {
    public let gateway: GatewayName
    /// The gateway's own name if the customer chooses the method on the gateway's pages.
    public let paymentMethod: String
    /// The pages to which the gateway sends the customer's browser after an approval, and when the customer gives up; if nil, the browser stays there.
    public var returnURL: String?
    public var cancelURL: String?

    public init(gateway: GatewayName, paymentMethod: String, returnURL: String? = nil, cancelURL: String? = nil) {
        self.gateway = gateway
        self.paymentMethod = paymentMethod
        self.returnURL = returnURL
        self.cancelURL = cancelURL
    }
}

/// `payments.capture`: a part of the order was shipped, so its money is captured if it was only authorized.
public struct CapturePayment: Sendable, Codable {
    public let orderID: UUID

    public init(orderID: UUID) {
        self.orderID = orderID
    }
}

/// `payments.extras.undo`: cancels or refunds a payment at the gateway that exists beside the order's own.
public struct UndoExtraPayment: Sendable, Codable {
    public let orderID: UUID
    /// The gateway's id for it.
    public let intent: String

    public init(orderID: UUID, intent: String) {
        self.orderID = orderID
        self.intent = intent
    }
}

/// `payments.approvals.complete`: captures the order's payment if its customer has approved it on the gateway's pages.
public struct ApprovedPayment: Sendable, Codable {
    public let orderID: UUID
    public init(orderID: UUID) { self.orderID = orderID }
}

/// `payments.unresolved`: the gateway has rejected something permanently, and an operator has to decide. It becomes a dead letter; replaying it
/// tries once more.
public struct UnresolvedPayment: Sendable, Codable {
    public let orderID: UUID
    public let cause: String
    public let detail: String
    /// The refund that it is about; nil for the payment as a whole.
    public let refundID: UUID?

    public init(orderID: UUID, cause: String, detail: String, refundID: UUID? = nil) {
        self.orderID = orderID
        self.cause = cause
        self.detail = detail
        self.refundID = refundID
    }
}

/// Idempotency keys at payment gateways.
public enum GatewayKeys {
    /// How long a gateway is relied upon to know a key, in seconds: Stripe keeps keys for 24 hours.
    public static let memory = 20.0 * 3600
}
