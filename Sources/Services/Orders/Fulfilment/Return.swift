import Contracts
import FoundationEssentials
import Secrets

/// Goods that a customer sends back.
struct Return: Sendable, Hashable, Codable {
    enum State: String, Sendable, Codable, CaseIterable {
        case requested, approved, refused, received
        /// Its money went back.
        case refunded
        /// An operator has decided that no money goes back.
        case writtenOff
    }

    struct Line: Sendable, Hashable, Codable {
        let sku: String
        let quantity: Int
        /// The customer's words.
        let reason: String

        var pieces: Fulfilment.Line { Fulfilment.Line(sku: sku, quantity: quantity) }
    }

    /// The refund of its money.
    struct Refund: Sendable, Hashable, Codable {
        let state: RefundState
        /// The amount that is refunded: less than the return's amount if less of the payment is left.
        let amount: Money
    }

    @PublicID var id: UUID
    let at: Date
    var state: State
    var lines: [Line]
    /// The price of its lines, which is refunded when the goods are received.
    let amount: Money
    /// Why it was refused, in the shop's words.
    var refusal: String?
    /// Whether the goods went back into stock; nil before they were received.
    var restocked: Bool?
    /// Nil before the goods were received, and for goods that cost nothing.
    var refund: Refund?

    var refundID: UUID { Self.refund(of: id) }

    static func refund(of id: UUID) -> UUID { UUID.v5(namespace: id, name: "refund") }

    /// The same without the customer's reasons and the shop's answer to them.
    var erased: Return {
        var erased = self
        erased.lines = lines.map { Line(sku: $0.sku, quantity: $0.quantity, reason: Erased.text) }
        erased.refusal = refusal.map { _ in Erased.text }
        return erased
    }
}

extension Fulfilment {
    /// Pieces by SKU that were returned, or may be.
    var returned: [String: Int] {
        Self.sum(returns.filter { $0.state != .refused }.flatMap { $0.lines.map(\.pieces) })
    }

    /// - Returns: The return; the one that has this id already, if there is one.
    mutating func request(_ wanted: [Return.Line], id: UUID, of order: [OrderLine], at now: Date) throws(Problem) -> Return {
        if let known = returns.first(where: { $0.id == id }) { return known }
        guard !shipments.isEmpty else { throw .conflict("not-shipped", "Nothing of the order has been shipped; it can be cancelled.") }
        guard returns.count < Self.maximumReturns else { throw .conflict("too-many-returns", "An order has at most \(Self.maximumReturns) returns.") }
        let (shipped, returned) = (shipped, returned)
        let there = order.map { Line(sku: $0.sku, quantity: shipped[$0.sku, default: 0] - returned[$0.sku, default: 0]) }
        let lines = try Self.check(wanted.map(\.pieces), against: there, of: order, "more-than-shipped") {
            "\($0) of \($1) can still be returned."
        }
        let quantities = Self.sum(lines)
        guard let currency = order.first?.lineTotal.currency else { throw .conflict("not-shipped", "The order has no lines.") }
        let amount = order.reduce(0) { $0 + $1.unitPrice.amount * quantities[$1.sku, default: 0] }
        let one = Return(id: id, at: now, state: .requested, lines: wanted, amount: Money(amount: amount, currency: currency))
        returns.append(one)
        return one
    }

    /// The return after the decision, and whether that has changed it.
    mutating func decide(_ decision: ReturnDecision, on id: UUID) throws(Problem) -> (Return, isNews: Bool) {
        guard let place = returns.firstIndex(where: { $0.id == id }) else { throw .notFound("return") }
        let before = returns[place]
        switch (decision, before.state) {
        case (.approve, .requested): returns[place].state = .approved
        case (.refuse(let reason), .requested): (returns[place].state, returns[place].refusal) = (.refused, reason)
        case (.receive(let restock), .approved):
            (returns[place].state, returns[place].restocked) = (.received, restock)
            if before.amount.amount > 0 { returns[place].refund = Return.Refund(state: .pending, amount: before.amount) }
        case (.approve, .approved), (.approve, .received), (.approve, .refunded), (.approve, .writtenOff), (.refuse, .refused),
            (.receive, .received), (.receive, .refunded), (.receive, .writtenOff):
            return (before, false)
        case (.receive, .requested): throw .conflict("return-not-approved", "The return has not been approved.")
        case (.approve, .refused), (.receive, .refused): throw .conflict("return-refused", "The return was refused.")
        case (.refuse, .approved), (.refuse, .received), (.refuse, .refunded), (.refuse, .writtenOff): throw .conflict("return-approved", "The return has been approved.")
        }
        return (returns[place], true)
    }
}

/// What the shop decides about a return.
enum ReturnDecision: Sendable, Hashable {
    case approve
    case refuse(reason: String?)
    /// The goods have arrived; whether they can be sold again.
    case receive(restock: Bool)
}
