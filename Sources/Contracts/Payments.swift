import FoundationEssentials

/// A payment gateway, as orders, settings and tables name it.
public enum GatewayName: String, Sendable, Hashable, Codable, CaseIterable {
    case stripe, paypal

    /// Whether the customer approves a payment on the gateway's own pages, and Wharf captures it afterwards.
    public var redirects: Bool { self == .paypal }

    /// Whether the gateway can save payment methods for customers of the shop.
    public var savesMethods: Bool { self == .stripe }
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
    /// The gateway's customer to whom a saved method belongs; nil for a method that is not saved.
    public var gatewayCustomer: String?
    /// The signed-in customer for whom the gateway saves the method; nil if it is not to be saved, or was saved before.
    public var saveFor: UUID?

    public init(gateway: GatewayName, paymentMethod: String, returnURL: String? = nil, cancelURL: String? = nil) {
        self.gateway = gateway
        self.paymentMethod = paymentMethod
        self.returnURL = returnURL
        self.cancelURL = cancelURL
    }
}

/// `payments.methods.find`: saved payment methods, each with the customer who wants to use it.
public struct SavedMethodQuery: Sendable, Codable {
    public struct Reference: Sendable, Hashable, Codable {
        public let id: UUID
        public let userID: UUID

        public init(id: UUID, userID: UUID) {
            self.id = id
            self.userID = userID
        }
    }

    public let methods: [Reference]

    public init(methods: [Reference]) { self.methods = methods }
}

/// The answer to `SavedMethodQuery`. It omits methods that do not exist or belong to another customer.
public struct SavedMethodList: Sendable, Codable {
    public struct Entry: Sendable, Codable {
        public let reference: SavedMethodQuery.Reference
        public let gateway: GatewayName
        /// The gateway's ids of the customer and of the method.
        public let customer: String
        public let method: String

        public init(reference: SavedMethodQuery.Reference, gateway: GatewayName, customer: String, method: String) {
            self.reference = reference
            self.gateway = gateway
            self.customer = customer
            self.method = method
        }
    }

    public let items: [Entry]

    public init(items: [Entry]) { self.items = items }
}

/// `payments.methods.detach`: a customer has deleted a saved method, so the gateway must no longer accept it.
public struct DetachMethod: Sendable, Codable {
    public let gateway: GatewayName
    /// The gateway's id of it.
    public let method: String

    public init(gateway: GatewayName, method: String) {
        self.gateway = gateway
        self.method = method
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
    /// The gateway that has it, which may differ from that of the order's own payment; nil, in messages of earlier versions, means the latter.
    public let gateway: GatewayName?

    public init(orderID: UUID, intent: String, gateway: GatewayName? = nil) {
        self.orderID = orderID
        self.intent = intent
        self.gateway = gateway
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
    /// How long Wharf relies on a gateway to know a key, in seconds. Stripe keeps keys for 24 hours.
    public static let memory = 20.0 * 3600
}
