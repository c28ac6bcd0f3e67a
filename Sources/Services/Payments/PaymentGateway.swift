import Contracts
import FoundationEssentials

/// What a gateway reports about an order's payment.
public enum PaymentStatus: Sendable, Equatable {
    case succeeded(intent: String)
    case requiresAction(intent: String, clientSecret: String)
    case declined(intent: String?, code: String)
    case cancelled(intent: String)
    /// It exists and is undecided: not tried yet, being processed, or only authorized.
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

    /// Whether the gateway holds money from it.
    var isPaid: Bool {
        if case .succeeded = status { refunded < amount.amount } else { false }
    }

    var isDecided: Bool {
        if case .open = status { false } else { true }
    }

    /// Whether it holds money, or may receive some without Wharf's involvement.
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
    /// It may or may not have been carried out: a time-out, a 5xx, a conflict with the same call in progress.
    case unknown(String)
    /// The same call with the same key yields the same error from now on; it may or may not have been carried out.
    case keySpent(String)
    /// It was certainly not carried out.
    case notSent(String)
    /// The gateway rejects the call itself, whatever the card: our mistake.
    case refused(String)
}

public struct Charge: Sendable, Hashable {
    public let order: UUID
    public let orderNumber: String
    public let amount: Money
    public let paymentMethod: String
    /// The same for every call about this charge, until the gateway answers it only with an error.
    public internal(set) var idempotencyKey: UUID
}

/// A payment gateway, as payments needs it. Every call may be repeated: the gateway acts once per key.
public protocol PaymentGateway: Sendable {
    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment
    /// The payments of the order that a quick search finds; it may lag, so an empty answer proves nothing.
    func find(order: UUID) async throws(GatewayError) -> [GatewayPayment]
    /// All payments of the order that were made from `start` on, with no lag and at more cost.
    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment]
    /// The payment as it is now; nil when the gateway has no such payment.
    func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment?
    /// Cancels a payment that has not succeeded; returns the payment as it is afterwards.
    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment
    /// Refunds the rest of it; returns the payment as it is afterwards. Throws `refused` when the gateway rejects that permanently.
    func refund(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment
}
