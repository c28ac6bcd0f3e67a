import Contracts
import FoundationEssentials

/// What a gateway says about an order's payment.
public enum PaymentStatus: Sendable, Equatable {
    case succeeded(intent: String)
    case requiresAction(intent: String, clientSecret: String)
    case declined(intent: String?, code: String)
    case cancelled(intent: String)
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
    func charge(_ charge: Charge) async throws(GatewayError) -> PaymentStatus
    /// What the gateway knows of the order's payment; nil when it knows none.
    func find(order: UUID) async throws(GatewayError) -> PaymentStatus?
    /// The same, with no lag and at more cost: nil only when no payment of the order was made from `start` on.
    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> PaymentStatus?
    /// Cancels a payment that has not succeeded; the status that it has afterwards.
    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> PaymentStatus
    /// Gives the whole amount back.
    func refund(intent: String, idempotencyKey: UUID) async throws(GatewayError)
}

extension PaymentGateway {
    /// For a gateway that finds everything at once.
    public func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> PaymentStatus? {
        try await find(order: order)
    }
}
