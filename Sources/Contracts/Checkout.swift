import FoundationEssentials

// The messages of a checkout, in the order in which they travel: carts → orders → catalog → payments → orders and catalog.

/// One SKU of an order. Lines of one SKU are summed before this point.
public struct OrderLine: Sendable, Hashable, Codable {
    public let sku: String
    public let name: String
    public let quantity: Int
    public let unitPrice: Money
    public let lineTotal: Money
    /// Of the product, as it was when it was ordered; nil in messages of versions without it.
    public let slug: String?
    public let image: Image?

    public init(sku: String, name: String, quantity: Int, unitPrice: Money, slug: String? = nil, image: Image? = nil) {
        self.sku = sku
        self.name = name
        self.slug = slug
        self.image = image
        self.quantity = quantity
        self.unitPrice = unitPrice
        self.lineTotal = Money(amount: unitPrice.amount * quantity, currency: unitPrice.currency)
    }
}

/// `catalog.products.price`: the current prices of these SKUs.
public struct PriceQuery: Sendable, Codable {
    public let skus: [String]
    /// Whether `available` is wanted too: a checkout needs no stock figures, since stock is reserved later.
    public let availability: Bool?

    public init(skus: [String], availability: Bool = false) {
        self.skus = skus
        self.availability = availability ? true : nil
    }
}

/// The answer to `PriceQuery`; SKUs that are not for sale are missing from it.
public struct PriceList: Sendable, Codable {
    public struct Entry: Sendable, Codable, Equatable {
        public let sku: String
        public let name: String
        public let price: Money
        /// Of the product. Nil from a catalog of the previous version, as is the image.
        public let slug: String?
        /// The first one.
        public let image: Image?
        /// Pieces that can be ordered now; nil where the query does not ask for it.
        public let available: Int?

        public init(sku: String, name: String, price: Money, slug: String? = nil, image: Image? = nil, available: Int? = nil) {
            self.sku = sku
            self.name = name
            self.price = price
            self.slug = slug
            self.image = image
            self.available = available
        }
    }

    public let items: [Entry]
    public init(items: [Entry]) { self.items = items }
}

/// `orders.checkouts.place`: a cart was ordered. The cart is closed from here on.
public struct PlaceOrder: Sendable, Codable {
    public let orderID: UUID
    public let cartID: UUID
    public let customerID: UUID?
    public let email: String
    public let shippingAddress: Address
    public let payment: PaymentChoice
    public let lines: [OrderLine]
    public let total: Money
    /// The customer's language tag, where it is known.
    public var locale: String?

    public init(
        orderID: UUID, cartID: UUID, customerID: UUID?, email: String, shippingAddress: Address, payment: PaymentChoice,
        lines: [OrderLine], total: Money
    ) {
        self.orderID = orderID
        self.cartID = cartID
        self.customerID = customerID
        self.email = email
        self.shippingAddress = shippingAddress
        self.payment = payment
        self.lines = lines
        self.total = total
    }
}

/// `catalog.stock.reserve`: all lines or none. Once they are reserved, catalog hands over to payments.
public struct ReserveStock: Sendable, Codable {
    public struct Line: Sendable, Codable, Hashable {
        public let sku: String
        public let quantity: Int

        public init(sku: String, quantity: Int) {
            self.sku = sku
            self.quantity = quantity
        }
    }

    public let orderID: UUID
    public let lines: [Line]
    /// The order's next step, which catalog sends. Nil in messages of versions whose orders service sent it: then catalog reports to orders.
    public let charge: ChargeOrder?

    public init(orderID: UUID, lines: [Line], charge: ChargeOrder? = nil) {
        self.orderID = orderID
        self.lines = lines
        self.charge = charge
    }
}

/// `catalog.stock.release` releases the order's reservation. `catalog.stock.sell` turns it into a sale and reports only a reservation that is gone; `catalog.stock.commit` reports
/// the sale as well, and is sent by earlier versions.
public struct SettleReservation: Sendable, Codable {
    public let orderID: UUID
    public init(orderID: UUID) { self.orderID = orderID }
}

/// `payments.charge`: the whole amount, once per order.
public struct ChargeOrder: Sendable, Codable {
    public let orderID: UUID
    public let amount: Money
    public let payment: PaymentChoice
    public let orderNumber: String
    /// When catalog reserved the stock and handed over; payments reports it to orders with the result. Nil when orders itself requests the charge.
    public var reservedAt: Date?

    public init(orderID: UUID, amount: Money, payment: PaymentChoice, orderNumber: String, reservedAt: Date? = nil) {
        self.orderID = orderID
        self.amount = amount
        self.payment = payment
        self.orderNumber = orderNumber
        self.reservedAt = reservedAt
    }
}

/// `carts.carts.reopen`: the order that closed the cart was given up.
public struct ReopenCart: Sendable, Codable {
    public let orderID: UUID
    public let cartID: UUID

    public init(orderID: UUID, cartID: UUID) {
        self.orderID = orderID
        self.cartID = cartID
    }
}

/// `payments.void`: ensures that no money is kept for the order and none can be taken later: cancels, refunds, or forbids an attempt not yet begun.
public struct VoidPayment: Sendable, Codable {
    public let orderID: UUID
    public init(orderID: UUID) { self.orderID = orderID }
}

/// `orders.checkouts.advance`: an event for a checkout, from another service or from a timer.
public struct CheckoutEvent: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// `stockReserved` also comes from the catalog when it has held the stock for longer than a checkout lasts.
        case stockReserved, stockShort
        case charged, paymentDeclined, paymentActionRequired
        case stockCommitted, reservationLost
        case paymentVoided, stockReleased
        /// The gateway permanently rejects undoing the payment: its money is kept until an operator decides.
        case paymentUnresolved
        /// Nothing for the checkout to do: the state of the payment at the gateway has changed.
        case paymentChanged
        case cartReopened
        /// The checkout's deadline has passed.
        case overdue
    }

    public let orderID: UUID
    public let kind: Kind
    /// For display: the decline code, the SKU that is short.
    public let detail: String?
    /// For `paymentActionRequired`: what the storefront needs for 3-D Secure.
    public let clientSecret: String?
    /// With every event from payments.
    public let payment: PaymentReport?
    /// With the result of a charge that catalog requested: when the stock was reserved.
    public var reservedAt: Date?
    /// With `paymentChanged`: the refund that caused it. Several refunds that changed at once are several events with one `payment`.
    public var refund: RefundReport?
    /// With `paymentVoided`. Nil from versions that had it in `detail` alone.
    public var voidResult: VoidResult?

    public init(
        orderID: UUID, kind: Kind, detail: String? = nil, clientSecret: String? = nil, payment: PaymentReport? = nil, reservedAt: Date? = nil,
        refund: RefundReport? = nil, voidResult: VoidResult? = nil
    ) {
        self.orderID = orderID
        self.kind = kind
        self.detail = detail
        self.clientSecret = clientSecret
        self.payment = payment
        self.reservedAt = reservedAt
        self.refund = refund
        self.voidResult = voidResult
    }
}

/// The state of an order's payment at the gateway, in the API's terms.
public enum PaymentState: String, Sendable, Codable, CaseIterable {
    case pending, requiresAction, authorized, succeeded, declined
    /// No money was taken, and none will be.
    case cancelled
    case partlyRefunded, refunded, disputed
    /// Money is kept that should be returned: the gateway permanently rejects the refund.
    case needsOperator
}

/// The payment of an order as payments knows it from the gateway.
public struct PaymentReport: Sendable, Codable, Equatable {
    public let state: PaymentState
    /// In minor units.
    public let refunded: Int
    /// Grows with each change of the payment: of two reports the one with the higher revision holds.
    public let revision: Int

    public init(state: PaymentState, refunded: Int, revision: Int) {
        self.state = state
        self.refunded = refunded
        self.revision = revision
    }
}

/// The events `order.confirmed` and `order.rejected`: each is published once, when it is true.
public struct OrderSettled: Sendable, Codable {
    public let orderID: UUID
    public let number: String
    public let email: String
    public let lines: [OrderLine]
    public let total: Money
    /// Why, for a rejected order.
    public let reason: String?
    /// Nil in messages of versions without it.
    public let shippingAddress: Address?
    /// The customer's language tag, where it is known.
    public var locale: String?
    /// Nil for a guest.
    public var customerID: UUID?

    public init(
        orderID: UUID, number: String, email: String, lines: [OrderLine], total: Money, reason: String?, shippingAddress: Address? = nil
    ) {
        self.orderID = orderID
        self.number = number
        self.email = email
        self.lines = lines
        self.total = total
        self.reason = reason
        self.shippingAddress = shippingAddress
    }
}

/// The result that a `paymentVoided` carries.
public enum VoidResult: String, Sendable, Codable {
    /// Nothing had been charged, and nothing will be.
    case nothing
    case cancelled
    case refunded
}
