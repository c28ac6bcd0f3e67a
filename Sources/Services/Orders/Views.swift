import Contracts
import FoundationEssentials
import Secrets

/// An order as the storefront sees it.
struct OrderView: Sendable, Codable {
    struct Payment: Sendable, Codable {
        let state: PaymentState
        let gateway: GatewayName
        let clientSecret: String?
        /// The gateway's page where the customer approves the payment.
        let redirectUrl: String?

        /// - Parameter key: What the customer needs to continue, as reported by payments.
        init(state: PaymentState, gateway: GatewayName, key: String?) {
            self.state = state
            self.gateway = gateway
            clientSecret = gateway.redirects ? nil : key
            redirectUrl = gateway.redirects ? key : nil
        }
    }

    struct Entry: Sendable, Codable {
        let at: Date
        let state: String
        let detail: String
        /// The actor of a manual step; nil for automatic ones.
        var by: Actor?
        /// The administrator who acted for the shop; nil for customers, and in entries of earlier versions.
        var administrator: String?
        /// The message that caused it, for operators; nil where the order is shown, and in entries of versions without it.
        var message: UUID?

        func shown(to caller: Caller?) -> Entry {
            Entry(at: at, state: state, detail: detail, by: by, administrator: caller?.role == .admin ? administrator : nil)
        }
    }

    enum Actor: String, Sendable, Codable {
        case customer, shop
    }

    @PublicID var id: UUID
    let number: String
    let state: String
    let reason: String?
    let email: String
    let lines: [OrderLine]
    let total: Money
    let refunded: Money
    let shippingAddress: Address
    let payment: Payment
    let placedAt: Date
    let history: [Entry]
    let shipments: [Fulfilment.Shipment]
    let returns: [Return]
    /// Present only in an export of the customer's data.
    var notes: [OrderNote]?
}

/// The answer to a checkout: the order, and for a guest the token that gives access to it.
struct CheckoutView: Sendable, Codable {
    let order: OrderView
    let token: String?
}

extension Checkout {
    /// The state as the API shows it, before anything is shipped. A cancellation stands from the moment that it is accepted; what becomes of the money is the payment's
    /// state.
    var orderState: String {
        switch phase {
        case .confirming, .confirmed: "confirmed"
        case .rejected: "rejected"
        case .cancelled: "cancelled"
        case .voiding where isCancelled, .releasing where isCancelled: "cancelled"
        case .awaitingCustomer: "requiresAction"
        // Only the payment's own report says what becomes of the money.
        case .reserving, .charging, .booked, .voiding, .releasing, .reopening: "pending"
        }
    }

    /// Whether a waiting requester can be given a final result, or has to act.
    var endsWait: Bool { orderState != "pending" }
}

/// A guest's replacement for a session. It is derived from the cart's id, which is the guest's secret already, so that nothing is stored.
enum GuestToken {
    static func token(order: UUID, cart: UUID) -> String {
        Base64URL.encode(
            HMACSHA256.authenticate(Array("order \(order.upperCaseText)".utf8), key: Array(cart.upperCaseText.utf8)))
    }

    static func matches(_ token: String, order: UUID, cart: UUID) -> Bool {
        constantTimeEquals(Array(token.utf8), Array(Self.token(order: order, cart: cart).utf8))
    }
}
