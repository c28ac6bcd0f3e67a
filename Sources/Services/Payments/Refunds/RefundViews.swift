import Contracts
import FoundationEssentials

struct RefundView: Sendable, Codable {
    @PublicID var id: UUID
    @PublicID var orderId: UUID
    let amount: Money
    let reason: String
    let state: RefundState
    let detail: String?
    /// How an operator has settled it.
    let settlement: Settlement?
    /// Who requested it: an administrator's id, a service, or `gateway` for one that was made there.
    let by: String
    let createdAt: Date

    init(_ refund: Refund, currency: String) {
        id = refund.id
        orderId = refund.order
        amount = Money(amount: refund.amount, currency: currency)
        reason = refund.reason
        state = refund.state
        detail = refund.detail
        settlement = refund.settlement
        by = refund.actor
        createdAt = refund.createdAt
    }
}

/// Something about money that only people can settle.
struct UnresolvedView: Sendable, Codable {
    enum Kind: String, Sendable, Codable {
        /// A customer's bank takes money back, or tries to.
        case dispute
        /// The gateway permanently rejects a refund.
        case refund
        /// Money of an order that was given up could not be returned, or that of an order that was shipped could not be taken.
        case payment
        /// A payment beside the order's own, or for no order.
        case unclaimed
    }

    let kind: Kind
    let id: String
    let orderId: String
    let amount: Money
    let detail: String
    let since: Date
}
