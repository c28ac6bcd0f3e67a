import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// The gateway's own notifications: the end of a 3-D Secure authentication, the result of a call that timed out, actions on its dashboard.
///
/// An event is a hint. It may arrive early, late, twice, in any order, and its object is as old as the event. So it only says which payment may have changed;
/// the gateway is then asked for the payment as it is now, and that is what changes a state.
struct Webhooks: Sendable {
    enum Plan: Sendable {
        case ignore
        case ask(intent: String)
    }

    enum GatewayResult: Sendable {
        case ignored
        case payment(GatewayPayment)
        case failed(Failure)
    }

    /// Whose events they are.
    let gateway: any PaymentGateway
    let clock: any WallClock

    static func operation(of gateway: GatewayName) -> String { "payments.webhooks.\(gateway.rawValue)" }

    func begin(_ items: [IncomingMessage<GatewayEvent>], on transaction: any SQLConnection) async throws -> [Plan] {
        try await Self.plans(items.map(\.input), of: gateway.name, now: clock.now(), on: transaction)
    }

    /// The events that may be new, and the payments that they are about.
    static func plans(_ events: [GatewayEvent], of gateway: GatewayName, now: Date, on connection: any SQLConnection) async throws -> [Plan] {
        let relevant = events.filter { $0.hint != nil }
        guard !relevant.isEmpty else { return events.map { _ in .ignore } }
        let known = try await Store.knownEvents(relevant.map(\.id), on: connection)
        let attempts = try await Store.find(relevant.compactMap(\.hint?.order), on: connection)
        return events.map { event in
            guard let hint = event.hint, let intent = hint.intent, !known.contains(event.id) else { return .ignore }
            if hint.kind == .moneyMoved { return .ask(intent: intent) }
            // A payment that is not Wharf's.
            guard let order = hint.order else { return .ignore }
            guard let attempt = attempts[order] else { return .ask(intent: intent) }
            if attempt.isAnother(intent, at: gateway) { return .ask(intent: intent) }
            return hint.kind.isNews(to: attempt) && !attempt.expectsAnswer(at: now) ? .ask(intent: intent) : .ignore
        }
    }

    func ask(_ items: [(item: IncomingMessage<GatewayEvent>, plan: Plan)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await ask($0.plan, order: $0.item.input.hint?.order) }
    }

    private func ask(_ plan: Plan, order: UUID?) async -> GatewayResult {
        guard case .ask(let intent) = plan else { return .ignored }
        do throws(GatewayError) {
            guard order != nil else {
                // The gateway's account may also be used for payments that are not Wharf's.
                return try await gateway.retrieve(ofEvent: intent).map { .payment($0) } ?? .ignored
            }
            guard let payment = try await gateway.retrieve(intent: intent) else {
                return .failed(Failure("payment-differs", "the gateway does not know \(intent), which an event is about"))
            }
            return .payment(payment)
        } catch {
            return .failed(Failure(error))
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<GatewayEvent>, plan: Plan, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let payments = items.map { item, _, result -> GatewayPayment? in
            if case .payment(let payment) = result { payment } else { nil }
        }
        guard payments.contains(where: { $0 != nil }) else { return items.map { Self.outcome(of: $0.result) } }
        let now = clock.now()
        var attempts = try await Store.lock(payments.compactMap { $0?.order }, on: transaction)
        var ledger = try await RefundStore.ledger(of: payments.compactMap { $0?.movements == nil ? nil : $0?.order }, on: transaction)
        var taken: [String] = []
        var unclaimed: [UnclaimedPayment] = []
        let outcomes: [Outcome] = try zip(items, payments).map { item, payment in
            guard let payment else { return Self.outcome(of: item.result) }
            if let found = Self.unclaimed(payment, attempts) { unclaimed.append(found) }
            let outcome = try take(payment, of: item.item.input, &attempts, &ledger)
            if case .done = outcome { taken.append(item.item.input.id) }
            return outcome
        }
        try await Store.addEvents(taken, now: now, on: transaction)
        try await UnclaimedPayment.add(unclaimed, now: now, on: transaction)
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }

    private static func outcome(of result: GatewayResult) -> Outcome {
        if case .failed(let failure) = result { .failed(failure) } else { .ignored(note: "no news") }
    }

    /// A payment for an order that was never charged.
    private static func unclaimed(_ payment: GatewayPayment, _ attempts: LockedAttempts) -> UnclaimedPayment? {
        guard let order = payment.order, let intent = payment.status.intent, payment.isPaid, attempts[order] == nil else { return nil }
        return UnclaimedPayment(intent: intent, order: order, amount: payment.amount, detail: "the order was never charged")
    }

    private func take(
        _ payment: GatewayPayment, of event: GatewayEvent, _ attempts: inout LockedAttempts, _ ledger: inout RefundLedger
    ) throws -> Outcome {
        guard let order = payment.order, let intent = payment.status.intent else { return .done() }
        guard var attempt = attempts[order] else {
            return payment.isPaid ? .failed(Failure("payment-differs", "\(intent) has paid for order \(order.lowerCaseText), which was never charged")) : .done()
        }
        if let named = event.hint?.order, named != order {
            return .failed(Failure("payment-differs", "\(intent) is for order \(order.lowerCaseText), the event for \(named.lowerCaseText)"))
        }
        if attempt.isAnother(intent, at: gateway.name) {
            // A refund or a dispute of a payment that was undone beside the order's own is no news.
            if event.hint?.kind == .moneyMoved, !payment.isLive { return .done() }
            guard payment.isLive else {
                let own = "\(attempt.intent ?? "not known yet") at \(attempt.charge.gateway.rawValue)"
                return .failed(Failure("payment-differs", "the payment of order \(order.lowerCaseText) is \(own), not \(intent) at \(gateway.name.rawValue)"))
            }
            let extra = UndoExtraPayment(orderID: order, intent: intent, gateway: gateway.name)
            return .done(emit: [try OutgoingMessage(.request(MessageName.undoExtra), extra)])
        }
        if let difference = attempt.difference(from: payment, at: gateway.name) { return .failed(Failure("payment-differs", difference)) }
        if payment.awaitsCapture, attempt.isApprovable {
            return .done(emit: [try OutgoingMessage(.request(MessageName.completeApproval), ApprovedPayment(orderID: order))])
        }
        let before = attempt
        _ = attempt.learn(payment)
        let news = ledger.learn(payment, of: &attempt, now: clock.now())
        guard attempt != before || !news.isEmpty else { return .done() }
        attempt = attempts.put(attempt)
        if before.state == .voided, attempt.state != .voided {
            return .done(emit: [try OutgoingMessage(.request(MessageName.void), VoidPayment(orderID: order))])
        }
        return .done(emit: try attempt.messages(since: before, refunds: news))
    }

    static func dropOld(_ clock: any WallClock) -> @Sendable (any SQLConnection) async throws -> [OutgoingMessage] {
        { transaction in
            try await Store.dropEvents(before: clock.now(), on: transaction)
            return []
        }
    }
}

extension Attempt {
    /// The reports of what has changed since `before`: the end of the charge, refunds, and otherwise the payment's state.
    func messages(since before: Attempt, refunds: [Refund]) throws -> [OutgoingMessage] {
        if state == before.state {
            let reports = try messages(about: refunds)
            return reports.isEmpty ? try messages(event(.paymentChanged, report.state.rawValue, clientSecret: clientSecret)) : reports
        }
        switch (before.state, state) {
        // A refund that was made when the order was given up has failed.
        case (.refunded, .needsOperator):
            let letter = UnresolvedPayment(orderID: order, cause: Unresolved.refundRefused, detail: detail ?? "a refund has failed")
            return try messages(about: refunds)
                + [OutgoingMessage(.request(MessageName.unresolved), letter), OutgoingMessage(.request(MessageName.advance), event(.paymentChanged, detail))]
        case (.authorized, .succeeded), (.uncaptured, .succeeded):
            return try messages(about: refunds) + [OutgoingMessage(.request(MessageName.advance), event(.paymentChanged, "payment captured"))]
        case (.authorized, .uncaptured), (.voided, .uncaptured),
            (.authorized, .voided) where !voidRequested:
            let cause = state == .uncaptured ? Capturing.refused : Capturing.ended
            let letter = UnresolvedPayment(orderID: order, cause: cause, detail: detail ?? cause)
            let text = state == .uncaptured ? "the payment could not be captured" : "the authorization has ended"
            return [
                try OutgoingMessage(.request(MessageName.unresolved), letter),
                try OutgoingMessage(.request(MessageName.advance), event(.paymentChanged, text)),
            ]
        // An operator has nothing left to decide.
        case (.needsOperator, _), (.settled, _):
            return try messages(about: refunds) + messages(event(.paymentChanged, report.state.rawValue))
        default:
            return try (event.map(messages) ?? []) + messages(about: refunds)
        }
    }
}
