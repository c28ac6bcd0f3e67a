import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `orders.checkouts.advance`: applies the events of a batch to their sagas, each locked for its transition.
struct Advancing: Sendable {
    /// Overdue sagas that one poll hands out; the next poll takes the next ones.
    static let overdueAtOnce = 200
    /// For how many seconds a saga that was handed out is left alone.
    static let lease = 30.0
    static let waitersDroppedAtOnce = 1_000

    let times: CheckoutTimes
    let clock: any WallClock

    func advance(_ items: [IncomingMessage<CheckoutEvent>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        var (orders, waiters) = try await Store.lockWithWaiters(items.map(\.input.orderID), on: transaction)
        let awaited = Set(waiters.map(\.order))
        var changed: Set<UUID> = []
        var settled: [UUID: Int] = [:]
        var messages = [[OutgoingMessage]](repeating: [], count: items.count)
        var outcomes: [Outcome?] = Array(repeating: nil, count: items.count)
        for (index, item) in items.enumerated() {
            guard var order = orders[item.input.orderID] else {
                outcomes[index] = .failed(Failure("unknown-order", "there is no order \(item.input.orderID)"))
                continue
            }
            // Shipped goods cannot be taken back, so an operator decides.
            if item.input.kind == .reservationLost, order.shipping != nil {
                outcomes[index] = .failed(Failure("reservation-lost", "order \(order.id) has been shipped, and catalog has no reservation of its goods"))
                continue
            }
            let wasPending = !order.checkout.endsWait
            // Both the event that settles the order and the answer to those that wait for it contain the lines.
            if awaited.contains(order.id) { order.lines = try order.lines.decoded }
            guard let following = try apply(item.input, of: item.request.id, to: &order, now) else { continue }
            messages[index] += following
            if wasPending, order.checkout.endsWait { settled[order.id] = index }
            orders[order.id] = order
            changed.insert(order.id)
        }
        let rows = changed.sorted().compactMap { orders[$0] }
        if !rows.isEmpty {
            let due = rows.map { times.due($0.checkout.phase, retries: $0.retries, placedAt: $0.placedAt, now: now) }
            try await Store.save(rows, due: due, on: transaction)
            let reopening = rows.filter { $0.checkout.phase == .reopening || $0.checkout.phase == .rejected }
            if !reopening.isEmpty { try await Store.reopenCarts(of: reopening.map(\.id), on: transaction) }
        }
        for (order, answers) in try await Store.answer(waiters, of: settled.keys.compactMap { orders[$0] }, on: transaction) {
            if let index = settled[order] { messages[index] += answers }
        }
        return items.indices.map { outcomes[$0] ?? .done(emit: messages[$0]) }
    }

    /// The messages that follow; nil when the event changes nothing.
    private func apply(_ event: CheckoutEvent, of message: UUID, to order: inout OrderRow, _ now: Date) throws -> [OutgoingMessage]? {
        let expired = times.isExpired(placedAt: order.placedAt, now: now)
        // While the gateway reviews a payment, its customer has nothing to do.
        let isUnattended =
            event.kind == .overdue && order.checkout.phase == .awaitingCustomer && order.retries == 0 && order.paymentState == .requiresAction && !expired
        // A wake-up that was meant for the previous step can arrive just after the customer was asked. The poller sends another when the reminder is due.
        if isUnattended, let asked = try order.lastEntry?.at, !times.isRemindable(asked: asked, now: now) { return nil }
        let transition = order.checkout.after(isUnattended ? .unattended : .init(event.kind, expired: expired))
        let hasLearned = order.learn(event.payment)
        let news = try order.learn(event.refund, revision: event.payment?.revision ?? 0)
        guard transition != nil || hasLearned || news != nil else { return nil }
        let (next, steps) = transition ?? (order.checkout, [])
        let isSamePhase = next.phase == order.checkout.phase
        if event.kind == .overdue { order.retries += 1 }
        if !isSamePhase { order.retries = 0 }
        // For an order that was given up before it came to a payment, the gateway has nothing, and never will.
        if next.isGivenUp, order.paymentRevision == 0, order.paymentState == .pending { order.paymentState = .cancelled }
        if event.payment == nil { order.learn(withoutReport: event) }
        // A payment under review at the gateway needs nothing from its customer.
        let isAsked = next.phase == .awaitingCustomer && order.paymentState == .requiresAction
        order.clientSecret = isAsked ? event.clientSecret ?? order.clientSecret : nil
        if let reserved = order.reservation(impliedBy: event, to: next, now) { order.newHistory.append(reserved) }
        order.checkout = next
        // Counts repeated steps, and customers need not know of stock that was left behind.
        if !isSamePhase || event.kind != .overdue && event.kind != .stockReserved || isUnattended {
            let phrase = isUnattended ? "not done yet; asking the customer to return" : event.kind.phrase(enteringPhase: next.phase, payment: event.payment?.state)
            let detail = event.detail.map { "\(phrase): \($0)" } ?? phrase
            // The saga of a shipped order has ended: news of its payment does not set the order back.
            order.newHistory.append(.init(at: now, state: order.shipping?.rawValue ?? next.phase.rawValue, detail: detail, message: message))
        }
        return try steps.map { try OutgoingMessage($0, for: order, until: times.end(placedAt: order.placedAt)) } + (news ?? [])
    }

    /// Wakes each saga whose step has had no answer in time with a message.
    func findOverdue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        try await Store.dropWaiters(before: now, limit: Self.waitersDroppedAtOnce, on: transaction)
        return try await Store.takeOverdue(Self.overdueAtOnce, now: now, lease: Self.lease, on: transaction).map {
            try OutgoingMessage(
                .request(MessageName.advance), CheckoutEvent(orderID: $0.order, kind: .overdue),
                origin: UUID.v5(namespace: $0.order, name: "overdue \($0.phase) \($0.retries)"))
        }
    }
}

extension OrderRow {
    fileprivate var lastEntry: OrderView.Entry? {
        get throws { try newHistory.last ?? history.value.last }
    }

    /// Payments is asked only once the stock is reserved, so its first report implies the reservation, too.
    fileprivate func reservation(impliedBy event: CheckoutEvent, to next: Checkout, _ now: Date) -> OrderView.Entry? {
        guard checkout.phase == .reserving, next.phase != .reserving else { return nil }
        guard event.payment != nil || event.reservedAt != nil else { return nil }
        let phrase = CheckoutEvent.Kind.stockReserved.phrase(enteringPhase: .charging)
        return .init(at: event.reservedAt ?? now, state: Checkout.Phase.charging.rawValue, detail: phrase)
    }

    /// Takes over the payment report; returns false when it contains nothing new.
    fileprivate mutating func learn(_ report: PaymentReport?) -> Bool {
        guard let report, report.revision > paymentRevision else { return false }
        let isDifferent = paymentState != report.state || refunded != report.refunded
        (paymentState, refunded, paymentRevision) = (report.state, report.refunded, report.revision)
        return isDifferent
    }

    /// The messages that follow from a report about a refund; nil if it reports nothing new. Its first success is announced, except for an order that is given up, which
    /// announces its end instead.
    fileprivate mutating func learn(_ refund: RefundReport?, revision: Int) throws -> [OutgoingMessage]? {
        guard let refund else { return nil }
        var fulfilment = try fulfilment
        let news = fulfilment.learn(refund, revision: revision)
        if news == .nothing { return nil }
        try change(fulfilment)
        guard news == .paid, !checkout.isCancelled, !checkout.isGivenUp else { return [] }
        var update = try OrderUpdate(self)
        update.refundID = refund.refundID
        update.amount = Money(amount: refund.amount, currency: total.currency)
        return [try OutgoingMessage(.event(MessageName.orderRefunded), update)]
    }

    /// For events of a version of payments that sends no reports. Beside a version that does, only the ends of a payment are certain to be news; the next
    /// report is accepted in any case.
    fileprivate mutating func learn(withoutReport event: CheckoutEvent) {
        guard paymentRevision == 0 || event.kind == .charged || event.kind == .paymentVoided else { return }
        switch event.kind {
        case .charged: paymentState = .succeeded
        case .paymentDeclined: paymentState = .declined
        case .paymentActionRequired: paymentState = .requiresAction
        case .paymentVoided where event.voidResult ?? event.detail.flatMap(VoidResult.init) == .refunded: (paymentState, refunded) = (.refunded, total.amount)
        case .paymentVoided: paymentState = .cancelled
        default: break
        }
    }
}

extension CheckoutEvent.Kind {
    /// The event's text in the order's history.
    fileprivate func phrase(enteringPhase phase: Checkout.Phase, payment: PaymentState? = nil) -> String {
        switch self {
        case .stockReserved: "stock reserved"
        case .stockShort: "not enough stock"
        case .charged: payment == .authorized ? "payment authorized" : "payment succeeded"
        case .paymentDeclined: "payment declined"
        case .paymentActionRequired: "the customer has to approve the payment"
        case .stockCommitted: OrderView.Entry.confirmed
        case .reservationLost: "the reservation is gone"
        case .paymentVoided: "no payment is kept"
        case .paymentUnresolved: "the payment needs an operator"
        case .paymentChanged: "payment changed"
        case .stockReleased: "stock released"
        case .cartReopened: "cart open again"
        case .overdue: phase == .confirmed ? OrderView.Entry.confirmed : "no answer in time"
        }
    }
}
