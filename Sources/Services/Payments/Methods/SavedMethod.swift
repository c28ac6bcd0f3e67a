import Contracts
import FoundationEssentials
import Secrets

/// A payment method that a gateway has saved for one of its customers: the gateway's ids, and what a person needs to recognise it.
public struct GatewayMethod: Sendable, Hashable {
    public let id: String
    /// The gateway's customer to whom it belongs.
    public let customer: String
    public let brand: String
    public let last4: String
    public let expiryMonth: Int?
    public let expiryYear: Int?

    public init(id: String, customer: String, brand: String, last4: String, expiryMonth: Int?, expiryYear: Int?) {
        self.id = id
        self.customer = customer
        self.brand = brand
        self.last4 = last4
        self.expiryMonth = expiryMonth
        self.expiryYear = expiryYear
    }
}

/// A method to be saved for one of our customers.
struct SavedMethod: Sendable, Hashable {
    let user: UUID
    let gateway: GatewayName
    let method: GatewayMethod

    /// The same for the same method of the gateway.
    var id: UUID { UUID.v5(namespace: user, name: "\(gateway.rawValue) \(method.id)") }
}

/// One of our customers as a gateway knows them.
struct GatewayCustomer: Sendable, Hashable {
    let user: UUID
    let gateway: GatewayName
    let id: String
}

extension GatewayCustomer {
    /// The customer that was created for the charge; nil if none was.
    init?(of attempt: Attempt, _ result: Charging.GatewayResult) {
        guard case .customer(let id?) = result, let user = attempt.charge.saveFor else { return nil }
        self.init(user: user, gateway: attempt.charge.gateway, id: id)
    }
}

extension Attempt {
    /// The method to be saved with the first report that the payment has succeeded, even if the order is being given up: the gateway has saved it, and only a method that is
    /// listed can be deleted. Nil for any other report: a method that its customer has deleted must not return with a later report.
    func savedMethod(of payment: GatewayPayment, since before: Attempt) -> SavedMethod? {
        guard payment.status.hasSucceeded, !before.knowsSuccess, payment.status.intent == intent else { return nil }
        guard let user = charge.saveFor, let method = payment.savedMethod, method.customer == charge.customer else { return nil }
        return SavedMethod(user: user, gateway: charge.gateway, method: method)
    }

    private var knowsSuccess: Bool {
        switch state {
        case .begun, .requiresAction, .declined, .voided: false
        case .succeeded, .authorized, .uncaptured, .refunded: true
        // The attempt may have been given to an operator before its payment was known.
        case .needsOperator, .settled: intent != nil
        }
    }
}

extension PaymentStatus {
    fileprivate var hasSucceeded: Bool {
        switch self {
        case .succeeded, .authorized: true
        case .requiresAction, .declined, .cancelled, .open: false
        }
    }
}

/// A saved method as its owner sees it.
struct SavedMethodView: Sendable, Codable {
    @PublicID var id: UUID
    let gateway: GatewayName
    let brand: String
    let last4: String
    let expiryMonth: Int?
    let expiryYear: Int?
    let createdAt: Date
}
