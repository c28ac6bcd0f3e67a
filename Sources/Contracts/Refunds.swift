import FoundationEssentials

/// `payments.refunds.create`, as a service requests it: a part of what an order has paid goes back, or all that is left of it. Over HTTP an administrator
/// requests the same under the same name.
public struct CreateRefund: Sendable, Codable, Equatable {
    /// The refund's own id: the same id is the same refund, however often it is requested.
    public let refundID: UUID
    public let orderID: UUID
    /// In minor units of the order's currency, more than 0; nil for all that is left.
    public let amount: Int?
    /// Whether less is refunded where less than `amount` is left; nil, as false, means that nothing is.
    public let isCapped: Bool?
    /// What the requester takes for the order's currency; nil when it does not say.
    public let currency: String?
    /// For people; at most 500 characters.
    public let reason: String
    /// Who requested it: an account's id, or the name of a service.
    public let actor: String

    public init(refundID: UUID, orderID: UUID, amount: Int?, isCapped: Bool? = nil, currency: String? = nil, reason: String, actor: String) {
        self.refundID = refundID
        self.orderID = orderID
        self.amount = amount
        self.isCapped = isCapped
        self.currency = currency
        self.reason = reason
        self.actor = actor
    }
}

/// `payments.refunds.perform`: payments requests a refund that it has recorded from the gateway.
public struct PerformRefund: Sendable, Codable, Equatable {
    public let refundID: UUID
    public let orderID: UUID

    public init(refundID: UUID, orderID: UUID) {
        self.refundID = refundID
        self.orderID = orderID
    }
}

public enum RefundState: String, Sendable, Codable, CaseIterable {
    /// Requested; the gateway may have it already.
    case pending
    case succeeded
    /// It was not made, and nothing is left to do about it.
    case failed
    /// The gateway permanently rejects it: an operator has to decide.
    case needsOperator
}

/// How a refund ended that the gateway did not make.
public enum Settlement: String, Sendable, Codable, CaseIterable {
    /// An operator has returned the money in another way.
    case refundedElsewhere
    /// An operator has decided that the money is not returned.
    case writtenOff
    /// All of the payment has already been returned, or is about to be.
    case nothingLeft
}

/// The state of one refund, carried by the event `paymentChanged` that it caused.
public struct RefundReport: Sendable, Codable, Equatable {
    public let refundID: UUID
    public let state: RefundState
    /// In minor units.
    public let amount: Int
    /// Set with `failed` when the requester has nothing left to do.
    public let settlement: Settlement?

    public init(refundID: UUID, state: RefundState, amount: Int, settlement: Settlement? = nil) {
        self.refundID = refundID
        self.state = state
        self.amount = amount
        self.settlement = settlement
    }
}
