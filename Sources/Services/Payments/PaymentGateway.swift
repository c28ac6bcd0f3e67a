import Contracts
import FoundationEssentials

/// What a gateway says about an order's payment.
public enum PaymentStatus: Sendable, Equatable {
    case succeeded(intent: String)
    case requiresAction(intent: String, clientSecret: String)
    case declined(intent: String?, code: String)
    case cancelled(intent: String)
    /// It exists, and nothing is decided: not tried yet, being processed, or authorized only.
    case open(intent: String)

    public var intent: String? {
        switch self {
        case .succeeded(let intent), .requiresAction(let intent, _), .cancelled(let intent), .open(let intent): intent
        case .declined(let intent, _): intent
        }
    }
}

/// A payment as the gateway has it.
public struct GatewayPayment: Sendable, Equatable {
    public let status: PaymentStatus
    /// Nil for a payment that is not one of Wharf's.
    public let order: UUID?
    public let amount: Money
    /// In minor units.
    public let refunded: Int
    public let isDisputed: Bool

    public init(status: PaymentStatus, order: UUID?, amount: Money, refunded: Int = 0, isDisputed: Bool = false) {
        self.status = status
        self.order = order
        self.amount = amount
        self.refunded = refunded
        self.isDisputed = isDisputed
    }

    /// Whether the gateway keeps money of it.
    var isPaid: Bool {
        if case .succeeded = status { refunded < amount.amount } else { false }
    }

    var isDecided: Bool {
        if case .open = status { false } else { true }
    }

    /// Whether it holds money, or may come to without Wharf.
    var isLive: Bool {
        switch status {
        case .succeeded: isPaid
        case .requiresAction, .open: true
        case .declined, .cancelled: false
        }
    }
}

/// A call to the gateway that did not end in an answer about the payment.
public enum GatewayError: Error, Sendable, Equatable {
    /// It may or may not have been carried out: a time-out, a 5xx, a conflict with the same call under way.
    case unknown(String)
    /// The same call with the same key is answered by the same error from now on; it may or may not have been carried out.
    case keySpent(String)
    /// It surely was not carried out.
    case notSent(String)
    /// The gateway refuses the call itself, whatever the card: our mistake.
    case refused(String)
}

public struct Charge: Sendable, Hashable {
    public let order: UUID
    public let orderNumber: String
    public let amount: Money
    public let paymentMethod: String
    /// The same for every call about this charge, until the gateway answers it by nothing but an error.
    public internal(set) var idempotencyKey: UUID
}

/// A payment gateway, as payments needs it. Every call may be repeated: the gateway acts once per key.
public protocol PaymentGateway: Sendable {
    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment
    /// The payments of the order that a quick look finds, which may lag: an empty answer proves nothing.
    func find(order: UUID) async throws(GatewayError) -> [GatewayPayment]
    /// All payments of the order that were made from `start` on, with no lag and at more cost.
    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment]
    /// The payment as it is now; nil when the gateway has no such payment.
    func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment?
    /// Cancels a payment that has not succeeded; the payment as it is afterwards.
    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment
    /// Gives back whatever is left of it; the payment as it is afterwards. Throws `refused` when the gateway refuses for good.
    func refund(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment
}
