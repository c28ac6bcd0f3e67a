import FoundationEssentials

// The messages of a checkout, in the order in which they travel: carts → orders → catalog → orders → payments → orders → catalog → orders.

/// One SKU of an order. Lines of one SKU are summed before they get here.
public struct OrderLine: Sendable, Hashable, Codable {
    public let sku: String
    public let name: String
    public let quantity: Int
    public let unitPrice: Money
    public let lineTotal: Money

    public init(sku: String, name: String, quantity: Int, unitPrice: Money) {
        self.sku = sku
        self.name = name
        self.quantity = quantity
        self.unitPrice = unitPrice
        self.lineTotal = Money(amount: unitPrice.amount * quantity, currency: unitPrice.currency)
    }
}

/// `catalog.products.price`: what these SKUs cost now.
public struct PriceQuery: Sendable, Codable {
    public let skus: [String]
    public init(skus: [String]) { self.skus = skus }
}

/// The answer to `PriceQuery`; what is not for sale is not in it.
public struct PriceList: Sendable, Codable {
    public struct Entry: Sendable, Codable, Equatable {
        public let sku: String
        public let name: String
        public let price: Money

        public init(sku: String, name: String, price: Money) {
            self.sku = sku
            self.name = name
            self.price = price
        }
    }

    public let items: [Entry]
    public init(items: [Entry]) { self.items = items }
}

public struct PaymentChoice: Sendable, Hashable, Codable {
    public let gateway: String
    public let paymentMethod: String

    public init(gateway: String, paymentMethod: String) {
        self.gateway = gateway
        self.paymentMethod = paymentMethod
    }
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

/// `catalog.stock.reserve`: all lines or none.
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

    public init(orderID: UUID, lines: [Line]) {
        self.orderID = orderID
        self.lines = lines
    }
}

/// `catalog.stock.release` and `catalog.stock.commit`: gives the order's reservation back, or turns it into a sale.
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

    public init(orderID: UUID, amount: Money, payment: PaymentChoice, orderNumber: String) {
        self.orderID = orderID
        self.amount = amount
        self.payment = payment
        self.orderNumber = orderNumber
    }
}

/// `payments.void`: leaves no money taken for the order and lets none be taken later: cancels, refunds, or forbids what was not begun.
public struct VoidPayment: Sendable, Codable {
    public let orderID: UUID
    public init(orderID: UUID) { self.orderID = orderID }
}

/// `orders.checkouts.advance`: what another service, or time, has to tell a checkout.
public struct CheckoutEvent: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case stockReserved, stockShort
        case charged, paymentDeclined, paymentActionRequired
        case stockCommitted, reservationLost
        case paymentVoided, stockReleased
        /// The checkout's deadline has passed.
        case overdue
    }

    public let orderID: UUID
    public let kind: Kind
    /// For people: the decline code, the SKU that is short.
    public let detail: String?
    /// For `paymentActionRequired`: what the storefront needs for 3-D Secure.
    public let clientSecret: String?

    public init(orderID: UUID, kind: Kind, detail: String? = nil, clientSecret: String? = nil) {
        self.orderID = orderID
        self.kind = kind
        self.detail = detail
        self.clientSecret = clientSecret
    }
}

/// The events `order.confirmed` and `order.rejected`: told once each, when they are true.
public struct OrderSettled: Sendable, Codable {
    public let orderID: UUID
    public let number: String
    public let email: String
    public let lines: [OrderLine]
    public let total: Money
    /// Why, for a rejected order.
    public let reason: String?
    /// Nil in messages of versions that did not tell it.
    public let shippingAddress: Address?

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

/// What a `paymentVoided` tells in its detail.
public enum VoidResult: String, Sendable, Codable {
    /// Nothing had been charged, and nothing will be.
    case nothing
    case cancelled
    case refunded
}
