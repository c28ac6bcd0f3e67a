import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.refunds.create`: records a refund, within what is left of the payment, before the gateway is called. Two that are requested
/// at once share what is left, by the lock on the attempt.
struct Creating: Sendable {
    /// Refunds of one order: more would not fit on the pages in which the gateway lists them.
    static let maximumRefunds = 200

    let clock: any WallClock

    func create(_ items: [IncomingMessage<CreateRefund>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let orders = Array(Set(items.map(\.input.orderID)))
        var attempts = try await Store.lock(orders, on: transaction)
        var ledger = try await RefundStore.ledger(of: orders, on: transaction)
        let now = clock.now()
        let outcomes = try items.map { item in
            let wanted = item.input
            let attempt = attempts[wanted.orderID]
            if let known = ledger[wanted.refundID], known.order == wanted.orderID, let attempt {
                return try Self.outcome(known, of: attempt, for: item.request)
            }
            if let attempt, attempt.state == .authorized, !attempt.voidRequested, !Self.isOverHTTP(item.request) {
                // Orders asks for this only when shipped goods have come back, so the request to capture is here already, or on its way.
                return .failed(Failure("not-captured-yet", "the payment of the order is about to be captured", remedy: .retry))
            }
            if let problem = Self.problem(wanted, attempt, ledger) {
                if let refused = Self.refusal(problem, wanted, attempt, ledger, for: item.request, now), let attempt {
                    ledger.put(refused)
                    return try Self.waiting(refused, attempt: attempt, &attempts, ledger)
                }
                return try Self.refused(problem, wanted, attempt, ledger, for: item.request)
            }
            guard let attempt else { return .refused(.notFound("order")) }
            let left = ledger.left(of: attempt)
            let refund = Refund(
                id: wanted.refundID, order: wanted.orderID, amount: min(wanted.amount ?? left, left), reason: wanted.reason, actor: wanted.actor, now: now)
            ledger.put(refund)
            return try Self.outcome(refund, of: attempt, for: item.request)
        }
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }

    /// A refund that cannot be made although the goods were returned, and so waits for an operator. Nil for an administrator, whose request is refused instead, and if nothing
    /// is left to return.
    private static func refusal(
        _ problem: Problem, _ wanted: CreateRefund, _ attempt: Attempt?, _ ledger: RefundLedger, for request: Request, _ now: Date
    ) -> Refund? {
        guard !isOverHTTP(request), let attempt, let amount = wanted.amount, !hasNothingLeft(attempt, ledger) else { return nil }
        let left = ledger.left(of: attempt)
        var refund = Refund(
            id: wanted.refundID, order: wanted.orderID, amount: wanted.isCapped == true && left > 0 ? min(amount, left) : amount, reason: wanted.reason,
            actor: wanted.actor, now: now)
        (refund.state, refund.detail) = (.needsOperator, problem.detail)
        return refund
    }

    /// Reports a refund that was just recorded as waiting for an operator.
    private static func waiting(_ refund: Refund, attempt: Attempt, _ attempts: inout LockedAttempts, _ ledger: RefundLedger) throws -> Outcome {
        var attempt = attempt
        ledger.flag(&attempt)
        return .done(emit: try attempts.put(attempt).messages(about: [refund]))
    }

    private static func isOverHTTP(_ request: Request) -> Bool { request.requester != nil || request.parameters["id"] != nil }

    /// Whether nothing is left to refund: everything captured has been or is being refunded, or nothing was or will be captured.
    private static func hasNothingLeft(_ attempt: Attempt, _ ledger: RefundLedger) -> Bool {
        if attempt.state == .uncaptured || attempt.state == .settled && attempt.captured == 0 { return true }
        guard !attempt.voidRequested else { return attempt.state != .needsOperator && attempt.state != .settled }
        return attempt.state == .succeeded && attempt.captured > 0 && ledger.left(of: attempt) == 0
    }

    /// Why it cannot be made; nil when it can.
    private static func problem(_ wanted: CreateRefund, _ attempt: Attempt?, _ ledger: RefundLedger) -> Problem? {
        guard let attempt else { return .notFound("order") }
        if attempt.voidRequested { return .conflict("payment-voided", "The order was given up, and all of its payment is returned.") }
        guard attempt.state == .succeeded, attempt.captured > 0 else {
            return .conflict("nothing-captured", "No money was captured for this order: its payment is \(attempt.report.state.rawValue).")
        }
        if attempt.isDisputed { return .conflict("payment-disputed", "The customer's bank disputes the payment; a refund would return the money twice.") }
        if ledger.count(of: attempt.order) >= maximumRefunds {
            return .conflict("too-many-refunds", "An order has at most \(maximumRefunds) refunds.")
        }
        let currency = attempt.charge.amount.currency
        let left = Money(amount: ledger.left(of: attempt), currency: currency)
        guard left.amount > 0 else { return .conflict("already-refunded", "All of the payment is refunded, or about to be.") }
        if let wanted = wanted.currency, wanted != currency { return .invalidInput("amount.currency", "the order's currency is \(currency)") }
        guard let amount = wanted.amount else { return nil }
        if amount > left.amount, wanted.isCapped != true { return .conflict("refund-exceeds-payment", "\(left.text) of the payment can still be refunded.") }
        return Money(amount: amount, currency: currency).flaw(at: attempt.charge.gateway).map { .invalidInput($0.field, $0.detail) }
    }

    /// A service that requested it gets an event, so that its work that depends on the refund can end.
    private static func refused(
        _ problem: Problem, _ wanted: CreateRefund, _ attempt: Attempt?, _ ledger: RefundLedger, for request: Request
    ) throws -> Outcome {
        if isOverHTTP(request) { return .refused(problem) }
        let isSettled = attempt.map { hasNothingLeft($0, ledger) } ?? false
        let report = RefundReport(
            refundID: wanted.refundID, state: .failed, amount: wanted.amount ?? 0, settlement: isSettled ? .nothingLeft : nil)
        let event = CheckoutEvent(
            orderID: wanted.orderID, kind: .paymentChanged, detail: "refund not made: \(problem.detail)", payment: attempt?.report, refund: report)
        return .done(emit: [try OutgoingMessage(.request(MessageName.advance), event)])
    }

    private static func outcome(_ refund: Refund, of attempt: Attempt, for request: Request) throws -> Outcome {
        var messages: [OutgoingMessage] = []
        if refund.isOnItsWay {
            messages.append(try OutgoingMessage(.request(MessageName.performRefund), PerformRefund(refundID: refund.id, orderID: refund.order)))
        } else if request.requester == nil {
            messages.append(try OutgoingMessage(.request(MessageName.advance), attempt.event(about: refund)))
        }
        guard request.requester != nil else { return .done(emit: messages) }
        let view = RefundView(refund, currency: attempt.charge.amount.currency)
        let reply = try Reply(status: 202, headers: ["location": "/v1/orders/\(refund.order.lowerCaseText)/refunds"], json: view)
        return .done(reply, emit: messages)
    }

    func list(_ items: [IncomingMessage<ListRefunds>], on connection: any SQLConnection) async throws -> [Outcome] {
        let attempts = try await Store.find(items.map(\.input.order), on: connection)
        var outcomes: [Outcome] = []
        for item in items {
            guard let attempt = attempts[item.input.order] else {
                outcomes.append(.refused(.notFound("order")))
                continue
            }
            let refunds = try await RefundStore.list(
                of: attempt.order, after: item.input.after, limit: item.input.page.limit + 1, on: connection)
            let page = try Page(
                refunds, item.input.page, item: { RefundView($0, currency: attempt.charge.amount.currency) },
                key: { PageRequest.key($0.createdAt, $0.id) })
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }
}
