import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.void`: the compensation of a charge. It ends when it is certain that no money is kept: it first finds out what was taken,
/// then cancels or refunds that, never the other way round.
struct Voiding: Sendable {
    enum GatewayResult: Sendable {
        case voided(VoidResult, GatewayPayment? = nil, extras: [String] = [])
        /// An operator has decided.
        case settled
        /// Only an operator can decide, because the gateway rejects permanently, or `own` cannot be the order's payment. Contains the reason if it is new, and the
        /// payment if the attempt did not know it.
        case refused(String?, cause: String = Unresolved.refundRefused, own: GatewayPayment? = nil, extras: [String] = [])
        case failed(Failure)
    }

    let gateways: Gateways
    let clock: any WallClock

    /// If the message is lost, the row still requests the void.
    func findUnvoided(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await Store.Unfinished.void.requests(at: clock.now(), on: transaction) { VoidPayment(orderID: $0) }
    }

    /// A charge that has not begun is forbidden by the row that it would have written.
    func begin(_ items: [IncomingMessage<VoidPayment>], on transaction: any SQLConnection) async throws -> [Attempt] {
        let now = clock.now()
        let tombstones = items.map { item in
            let order = item.input.orderID
            let nothing = Charge(
                order: order, orderNumber: "", amount: Money(amount: 0, currency: ""), paymentMethod: "", idempotencyKey: Attempt.firstKey(of: order))
            return Attempt(order: order, charge: nothing, state: .voided, createdAt: now)
        }
        var attempts = try await Store.begin(tombstones, now: now, on: transaction).attempts
        for order in Set(items.map(\.input.orderID)) {
            guard var attempt = attempts[order], !attempt.voidRequested else { continue }
            attempt.voidRequested = true
            attempts.put(attempt)
        }
        try await Store.save(attempts, now: now, on: transaction)
        return try items.map { item in
            guard let attempt = attempts[item.input.orderID] else {
                throw Failure("attempt-missing", "the attempt for order \(item.input.orderID) is missing", remedy: .retry)
            }
            return attempt
        }
    }

    func void(_ items: [(item: IncomingMessage<VoidPayment>, plan: Attempt)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { await void($0.plan) }
    }

    private func void(_ attempt: Attempt) async -> GatewayResult {
        do throws(GatewayError) {
            let gateway = try gateways[attempt.charge.gateway]
            switch attempt.state {
            case .voided: return .voided(attempt.intent == nil ? .nothing : .cancelled)
            case .refunded: return .voided(.refunded)
            case .needsOperator: return .refused(nil)
            case .settled: return .settled
            case .succeeded, .requiresAction, .authorized, .uncaptured, .declined:
                guard let intent = attempt.intent else { return .voided(.nothing) }
                if attempt.isBeingCaptured(at: clock.now()) {
                    return .failed(Failure("payment-in-flight", "a capture of the payment may be under way", remedy: .retry))
                }
                if let reason = attempt.whyNotRefundedAsAWhole { return .refused(reason) }
                return try await undo(attempt, intent: intent, isPaid: attempt.state == .succeeded, at: gateway)
            case .begun:
                if let sentUntil = attempt.sentUntil, sentUntil > clock.now() {
                    return .failed(Failure("payment-in-flight", "a call to the gateway may be under way", remedy: .retry))
                }
                var payments = try await gateway.find(order: attempt.order)
                // An empty search result proves nothing.
                if payments.isEmpty { payments = try await gateway.findForCertain(order: attempt.order, since: attempt.createdAt) }
                let (own, extras) = attempt.choose(from: payments)
                guard let own else { return .voided(.nothing) }
                if let difference = attempt.difference(from: own, at: attempt.charge.gateway) {
                    return .refused(difference, cause: Unresolved.paymentDiffers, own: own, extras: extras)
                }
                guard let intent = own.status.intent else { return .voided(.nothing) }
                if case .cancelled = own.status { return .voided(.cancelled, own, extras: extras) }
                switch try await undo(attempt, intent: intent, isPaid: own.isPaid, at: gateway) {
                case .voided(let result, let payment, _): return .voided(result, payment, extras: extras)
                case .settled: return .settled
                // The attempt does not know its payment, which an operator needs to refund it later.
                case .refused(let detail, let cause, let found, _): return .refused(detail, cause: cause, own: found ?? own, extras: extras)
                case .failed(let failure): return .failed(failure)
                }
            }
        } catch {
            return .failed(Failure(error))
        }
    }

    private func undo(
        _ attempt: Attempt, intent: String, isPaid: Bool, at gateway: any PaymentGateway
    ) async throws(GatewayError) -> GatewayResult {
        var own: GatewayPayment?
        if !isPaid {
            let payment = try await gateway.cancel(
                intent: intent, idempotencyKey: UUID.v5(namespace: attempt.order, name: "cancel"))
            switch payment.status {
            case .cancelled: return .voided(.cancelled, payment)
            // The customer was faster than the cancellation.
            case .succeeded: own = payment
            case .requiresAction, .authorized, .declined, .open: throw .unknown("the payment \(intent) could not be cancelled")
            }
        }
        do throws(GatewayError) {
            return .voided(.refunded, try await gateway.refund(attempt.refundOfRest(intent: intent)))
        } catch {
            guard case .refused(let detail) = error else { throw error }
            return .refused(detail, own: own)
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<VoidPayment>, plan: Attempt, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts = try await Store.lock(items.map(\.item.input.orderID), on: transaction)
        let now = clock.now()
        var ledger = try await RefundStore.ledger(of: items.filter { $0.result.showsMovements }.map(\.item.input.orderID), on: transaction)
        let outcomes: [Outcome] = try items.map { item, plan, result in
            guard var attempt = attempts[item.input.orderID] else {
                return .failed(Failure("attempt-missing", "the attempt for order \(item.input.orderID) is gone", remedy: .retry))
            }
            if case .failed(let failure) = result { return .failed(failure) }
            if attempt.state != plan.state, ![.refunded, .voided, .needsOperator, .settled].contains(attempt.state) {
                return .failed(Failure("payment-moved", "the payment has changed while it was voided", remedy: .retry))
            }
            if let event = attempt.event(beside: result) { return .done(emit: [try OutgoingMessage(.request(MessageName.advance), event)]) }
            var messages: [OutgoingMessage] = []
            let event: CheckoutEvent
            switch result {
            case .failed(let failure):
                return .failed(failure)
            case .settled:
                event = attempt.event(.paymentVoided, "settled by an operator")
            case .refused(let detail, let cause, let own, let extras):
                if let detail, attempt.state != .needsOperator {
                    if let own, cause != Unresolved.paymentDiffers { _ = attempt.learn(own) }
                    // The gateway has answered.
                    (attempt.state, attempt.sentUntil) = (.needsOperator, nil)
                    attempt.intent = attempt.intent ?? own?.status.intent
                    (attempt.detail, attempt.clientSecret) = (detail, nil)
                    attempt = attempts.put(attempt)
                    let report = UnresolvedPayment(orderID: attempt.order, cause: cause, detail: detail)
                    messages.append(try OutgoingMessage(.request(MessageName.unresolved), report))
                }
                messages += try attempt.undoing(extras)
                event = attempt.event(.paymentUnresolved, cause)
            case .voided(let void, let payment, let extras):
                let before = attempt
                if let payment { _ = attempt.learn(payment) }
                attempt.state = void == .refunded ? .refunded : .voided
                attempt.clientSecret = nil
                let news = payment.map { ledger.learn($0, of: &attempt, now: now) } ?? []
                if attempt != before { attempt = attempts.put(attempt) }
                messages += try attempt.messages(about: news)
                messages += try attempt.undoing(extras)
                if attempt.state == .needsOperator {
                    // The refund has failed since, and its event was here first.
                    let report = UnresolvedPayment(orderID: attempt.order, cause: Unresolved.refundRefused, detail: attempt.detail ?? "a refund has failed")
                    messages.append(try OutgoingMessage(.request(MessageName.unresolved), report))
                    event = attempt.event(.paymentUnresolved, Unresolved.refundRefused)
                } else {
                    event = attempt.event(.paymentVoided, void.rawValue, voidResult: void)
                }
            }
            return .done(emit: try messages + [OutgoingMessage(.request(MessageName.advance), event)])
        }
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }
}

extension Attempt {
    /// What is reported of a void when another one has found more meanwhile, which stands; nil for the usual void.
    fileprivate func event(beside result: Voiding.GatewayResult) -> CheckoutEvent? {
        switch (state, result) {
        case (.refunded, .refused), (.refunded, .voided(.nothing, _, _)), (.refunded, .voided(.cancelled, _, _)):
            event(.paymentVoided, VoidResult.refunded.rawValue, voidResult: .refunded)
        case (.needsOperator, .voided(.nothing, _, _)), (.needsOperator, .voided(.cancelled, _, _)):
            event(.paymentUnresolved, detail)
        case (.settled, .voided(.nothing, _, _)), (.settled, .voided(.cancelled, _, _)), (.settled, .refused):
            event(.paymentVoided, "settled by an operator")
        default: nil
        }
    }

    fileprivate func undoing(_ extras: [String]) throws -> [OutgoingMessage] {
        try extras.map { try OutgoingMessage(.request(MessageName.undoExtra), UndoExtraPayment(orderID: order, intent: $0, gateway: charge.gateway)) }
    }
}

extension Voiding.GatewayResult {
    /// Whether it says what was refunded and disputed.
    fileprivate var showsMovements: Bool {
        if case .voided(_, let payment, _) = self { payment?.movements != nil } else { false }
    }
}
