import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// The refunds and disputes of orders whose attempts a transaction has locked, and those of them that it changes.
struct RefundLedger {
    private var refunds: [UUID: Refund]
    private var disputes: [String: Dispute]
    private var changedRefunds: Set<UUID> = []
    private var changedDisputes: Set<String> = []

    init(refunds: [Refund], disputes: [Dispute]) {
        self.refunds = Dictionary(refunds.map { ($0.id, $0) }) { first, _ in first }
        self.disputes = Dictionary(disputes.map { ($0.id, $0) }) { first, _ in first }
    }

    subscript(id: UUID) -> Refund? { refunds[id] }

    var changes: (refunds: [Refund], disputes: [Dispute]) {
        (changedRefunds.sorted().compactMap { refunds[$0] }, changedDisputes.sorted().compactMap { disputes[$0] })
    }

    func count(of order: UUID) -> Int { refunds.values.count { $0.order == order } }

    /// What can still be refunded of a payment, in minor units: what was captured, minus what was refunded here or elsewhere, and what is about to be refunded.
    func left(of attempt: Attempt) -> Int {
        guard attempt.state == .succeeded, attempt.intent != nil else { return 0 }
        let onItsWay = refunds.values.reduce(0) { $1.order == attempt.order && $1.isOnItsWay ? $0 + $1.amount : $0 }
        return attempt.captured - attempt.refunded - attempt.refundedElsewhere - onItsWay
    }

    mutating func put(_ refund: Refund) {
        guard refunds[refund.id] != refund else { return }
        refunds[refund.id] = refund
        changedRefunds.insert(refund.id)
    }

    /// Takes over the refunds and disputes of the attempt's payment, and what follows from them for the attempt. Returns the refunds that have changed.
    mutating func learn(_ payment: GatewayPayment, of attempt: inout Attempt, now: Date) -> [Refund] {
        guard let movements = payment.movements, payment.status.intent == attempt.intent else { return [] }
        var news: [Refund] = []
        // The ledger holds no refund of nothing.
        for found in movements.refunds where found.amount > 0 {
            let known = refund(found, of: attempt.order)
            var refund = known ?? Self.unknown(found, of: attempt.order, now)
            refund.learn(found)
            put(refund)
            // The gateway has made the refund after all.
            if known?.settlement == .refundedElsewhere, refund.settlement == nil { attempt.refundedElsewhere = max(attempt.refundedElsewhere - refund.amount, 0) }
            if refund.state != known?.state || refund.counts != known?.counts { news.append(refund) }
        }
        for found in movements.disputes {
            var dispute = disputes[found.id] ?? Dispute(order: attempt.order, id: found.id, amount: found.amount, reason: found.reason, outcome: .open)
            // A dispute that has ended stays ended.
            if dispute.outcome == .open { (dispute.outcome, dispute.amount) = (found.outcome, found.amount) }
            guard disputes[found.id] != dispute else { continue }
            disputes[found.id] = dispute
            changedDisputes.insert(found.id)
        }
        attempt.refunded = refunds.values.reduce(0) { $1.order == attempt.order && $1.counts ? $0 + $1.amount : $0 }
        attempt.isDisputed = disputes.values.contains { $0.order == attempt.order && $0.outcome != .won }
        let closed = closeRefused(of: attempt)
        news = news.filter { one in !closed.contains { $0.id == one.id } } + closed
        flag(&attempt)
        attempt.settle()
        // A refund may fail after it was made: the shop then has money that is due to the customer. That may become known before the refund itself does.
        if attempt.state == .refunded, attempt.refunded < payment.captured, hasFailed(of: attempt.order) {
            (attempt.state, attempt.detail, attempt.sentUntil) = (.needsOperator, "a refund has failed", nil)
        }
        return news
    }

    /// Once all of the payment is returned, no refund waits for an operator any more.
    private mutating func closeRefused(of attempt: Attempt) -> [Refund] {
        guard attempt.hasReturnedAll else { return [] }
        var closed = refunds.values.filter { $0.order == attempt.order && $0.state == .needsOperator }
        for place in closed.indices {
            (closed[place].state, closed[place].settlement) = (.failed, .nothingLeft)
            put(closed[place])
        }
        return closed
    }

    private func hasFailed(of order: UUID) -> Bool {
        refunds.values.contains { $0.order == order && ($0.state == .failed || $0.state == .needsOperator) }
    }

    /// Notes at the attempt whether one of its refunds waits for an operator.
    func flag(_ attempt: inout Attempt) {
        attempt.hasRefusedRefund = refunds.values.contains { $0.order == attempt.order && $0.state == .needsOperator }
    }

    private func refund(_ found: GatewayMovements.Refund, of order: UUID) -> Refund? {
        if let id = found.refundID, let refund = refunds[id], refund.order == order { return refund }
        return refunds.values.first { $0.order == order && $0.gatewayID == found.id }
    }

    /// A refund that was made at the gateway, or that of an order that was given up.
    private static func unknown(_ found: GatewayMovements.Refund, of order: UUID, _ now: Date) -> Refund {
        let isRest = found.refundID == Attempt.idOfRest(order)
        return Refund(
            id: isRest ? Attempt.idOfRest(order) : UUID.v5(namespace: order, name: found.id), order: order, amount: found.amount,
            reason: isRest ? "the order was given up" : found.reason ?? "made at the gateway", actor: isRest ? Refund.service : Refund.madeAtGateway,
            now: now)
    }
}

extension Attempt {
    /// The reports of refunds that have changed: an event each, and a dead letter for one that the gateway permanently rejects. What became of the rest of an
    /// order that was given up is reported with the payment itself.
    func messages(about refunds: [Refund]) throws -> [OutgoingMessage] {
        try refunds.filter { $0.id != Self.idOfRest(order) }.flatMap { refund in
            let report = try OutgoingMessage(.request(MessageName.advance), event(about: refund))
            guard refund.state == .needsOperator else { return [report] }
            let letter = UnresolvedPayment(
                orderID: order, cause: Unresolved.refundRefused, detail: refund.detail ?? "rejected by the gateway", refundID: refund.id)
            return [report, try OutgoingMessage(.request(MessageName.unresolved), letter)]
        }
    }
}

extension Attempt {
    func event(about refund: Refund) -> CheckoutEvent {
        let amount = Money(amount: refund.amount, currency: charge.amount.currency)
        return event(.paymentChanged, "refund of \(amount.text) \(refund.phrase)", refund: refund.report)
    }
}

extension Refund {
    fileprivate var phrase: String {
        switch state {
        case .pending: "under way"
        case .succeeded: "made"
        // An operator's note is not for customers.
        case .failed where settlement == .refundedElsewhere: "made outside the payment gateway"
        case .failed where settlement == .writtenOff: "not made: written off"
        case .failed: "not made" + (detail.map { ": \($0)" } ?? "")
        case .needsOperator: "needs an operator"
        }
    }
}
