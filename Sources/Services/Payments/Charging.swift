import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.charge`: T1 commits the attempt, the gateway is called with its key, T2 commits the result.
struct Charging: Sendable {
    /// Concurrent calls to the gateway, of one batch.
    static let maximumConcurrent = 64
    /// How long after T1 a call may still begin or be in progress, in seconds; more than the gateway's deadline for a call.
    static let callLease = 60.0
    /// What must be left of the lease when a call begins, in seconds: the gateway's deadline for a call.
    static let longestCall = 30.0
    /// How long the gateway's answer usually takes, and its commit, in seconds.
    static let usualCall = 2.0
    static let keyMemory = GatewayKeys.memory
    /// How long a payment may take to become findable after an error was reported for it, in seconds, before a new key may be used.
    static let findableAfter = 60.0

    struct Plan: Sendable {
        let attempt: Attempt
        /// The gateway may have been called before: it is queried before anything is sent.
        let mayHaveBeenSent: Bool
    }

    enum GatewayResult: Sendable {
        /// The gateway's payments for the order: its own, and others that hold money or may receive it.
        case found(GatewayPayment, extras: [String] = [])
        /// Nothing to find out: the state is the answer.
        case settled
        /// The order costs nothing; gateways accept no such payment.
        case free
        case failed(Failure)
        /// The gateway rejects the call itself, whatever the card.
        case refused(String)
        /// The key can no longer be used.
        case keySpent(Failure)
        /// The gateway's new customer, for whom a method is to be saved; nil if the gateway refuses to create one, and the method is then not saved.
        case customer(String?)
    }

    /// The cause of a dead letter, and the reason that the order shows.
    static let refusal = "gateway-refused"

    let gateways: Gateways
    var capture = CaptureMode.automatic
    let clock: any WallClock

    static func read(_ request: Request) throws -> ChargeOrder {
        let order = try Operation.contract(ChargeOrder.self)(request)
        guard order.amount.isChargeable else { throw Failure("malformed-message", "order \(order.orderID): the amount is out of bounds") }
        return order
    }

    func begin(_ items: [IncomingMessage<ChargeOrder>], on transaction: any SQLConnection) async throws -> [Plan] {
        let now = clock.now()
        let wanted = items.map { item in
            let order = item.input
            let charge = Charge(
                order: order.orderID, orderNumber: order.orderNumber, amount: order.amount,
                paymentMethod: order.payment.paymentMethod,
                idempotencyKey: Attempt.firstKey(of: order.orderID), gateway: order.payment.gateway, returnURL: order.payment.returnURL,
                cancelURL: order.payment.cancelURL,
                // A gateway that redirects captures when its customer has approved.
                isCapturedLater: capture == .manual && !order.payment.gateway.redirects && order.amount.amount > 0,
                customer: order.payment.gatewayCustomer, saveFor: order.payment.gatewayCustomer == nil ? order.payment.saveFor : nil)
            return Attempt(
                order: order.orderID, charge: charge, state: .begun,
                sentUntil: now.addingTimeInterval(Self.callLease), createdAt: now)
        }
        var (attempts, added) = try await Store.begin(wanted, now: now, on: transaction)
        for order in Set(wanted.map(\.order)) where !added.contains(order) {
            // No call begins for a payment that is to be voided, so the void need not wait longer for one.
            guard var attempt = attempts[order], attempt.state == .begun, !attempt.voidRequested else { continue }
            attempt.sentUntil = now.addingTimeInterval(Self.callLease)
            attempt.renewKey(now: now)
            attempts.put(attempt)
        }
        try await MethodStore.nameCustomers(of: wanted.map(\.order), in: &attempts, on: transaction)
        try await MethodStore.noteUse(wanted.map(\.charge), now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return try wanted.map { wanted in
            guard var attempt = attempts[wanted.order] else {
                throw Failure("attempt-missing", "the attempt for order \(wanted.order) is missing", remedy: .retry)
            }
            (attempt.charge.returnURL, attempt.charge.cancelURL) = (wanted.charge.returnURL, wanted.charge.cancelURL)
            return Plan(attempt: attempt, mayHaveBeenSent: !added.contains(wanted.order))
        }
    }

    func charge(_ items: [(item: IncomingMessage<ChargeOrder>, plan: Plan)]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Self.maximumConcurrent) { await find($0.plan) }
    }

    private func find(_ plan: Plan) async -> GatewayResult {
        let attempt = plan.attempt
        do throws(GatewayError) {
            let gateway = try gateways[attempt.charge.gateway]
            switch attempt.state {
            case .begun:
                if plan.mayHaveBeenSent, let found = choose(attempt, from: try await gateway.find(order: attempt.order)) { return found }
                if attempt.voidRequested { return .settled }
                if attempt.charge.amount.amount == 0 { return .free }
                // With a key that the gateway has never seen, or has forgotten, it charges again, whatever happened with the previous one.
                if attempt.hasRenewedKey || clock.now().timeIntervalSince(attempt.createdAt) > Self.keyMemory {
                    let payments = try await gateway.findForCertain(order: attempt.order, since: attempt.createdAt)
                    if let found = choose(attempt, from: payments) { return found }
                }
                // After the lease a void may have found that nothing was charged.
                guard let sentUntil = attempt.sentUntil, clock.now().addingTimeInterval(Self.longestCall) <= sentUntil else {
                    return .failed(Failure("lease-ended", "too late to call the gateway for this attempt", remedy: .retry))
                }
                if let user = attempt.charge.saveFor, attempt.charge.customer == nil { return try await createCustomer(for: user, at: gateway) }
                return .found(try await gateway.charge(attempt.charge))
            case .voided where attempt.intent == nil:
                // A call of a worker that has died since may have succeeded after all.
                return choose(attempt, from: try await gateway.find(order: attempt.order)) ?? .settled
            default:
                return .settled
            }
        } catch {
            switch error {
            case .keySpent: return .keySpent(Failure(error))
            case .refused(let detail): return .refused(detail)
            case .unknown, .notSent: return .failed(Failure(error))
            }
        }
    }

    /// A customer is committed before the charge that names it, so every call for the charge is the same.
    private func createCustomer(for user: UUID, at gateway: any PaymentGateway) async throws(GatewayError) -> GatewayResult {
        do throws(GatewayError) {
            return .customer(try await gateway.createCustomer(for: user))
        } catch {
            switch error {
            // The order does not fail because of that.
            case .refused: return .customer(nil)
            // It is not the charge's key.
            case .keySpent(let detail): throw .unknown(detail)
            case .unknown, .notSent: throw error
            }
        }
    }

    /// Nil when there are none.
    private func choose(_ attempt: Attempt, from payments: [GatewayPayment]) -> GatewayResult? {
        let (own, extras) = attempt.choose(from: payments)
        guard let own else { return nil }
        guard !extras.isEmpty || own.isDecided else { return .failed(Failure("gateway-unknown", "the payment is not decided yet", remedy: .retry)) }
        return .found(own, extras: extras)
    }

    func complete(
        _ items: [(item: IncomingMessage<ChargeOrder>, plan: Plan, result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts = try await Store.lock(items.map(\.item.input.orderID), on: transaction)
        let now = clock.now()
        let orphans = try await MethodStore.add(items.compactMap { GatewayCustomer(of: $0.plan.attempt, $0.result) }, on: transaction)
        let outcomes: [Outcome] = try items.map { item, plan, result in
            guard var attempt = attempts[item.input.orderID] else {
                return .failed(Failure("attempt-missing", "the attempt for order \(item.input.orderID) is gone", remedy: .retry))
            }
            if plan.attempt.charge.amount != item.input.amount
                || plan.attempt.charge.paymentMethod != item.input.payment.paymentMethod
                || plan.attempt.charge.gateway != item.input.payment.gateway,
                !(plan.attempt.state == .voided && plan.attempt.intent == nil)
            {
                return .failed(Failure("charge-differs", "order \(attempt.order) was charged with other parameters before"))
            }
            let wasVoided = attempt.state == .voided
            var extras: [String] = []
            switch result {
            case .settled: break
            case .failed(let failure):
                return .failed(failure)
            case .keySpent(let failure):
                if attempt.charge.idempotencyKey == plan.attempt.charge.idempotencyKey, attempt.keySpentAt == nil {
                    attempt.keySpentAt = now
                    attempts.put(attempt)
                }
                return .failed(failure)
            case .refused(let detail):
                guard attempt.state == .begun else { break }
                (attempt.state, attempt.detail) = (.declined, Self.refusal)
                attempt = attempts.put(attempt)
                let report = UnresolvedPayment(orderID: attempt.order, cause: Self.refusal, detail: detail)
                let letter = try OutgoingMessage(.request(MessageName.unresolved), report)
                return .done(emit: try [letter] + Self.report(attempt.event(.paymentDeclined, Self.refusal), of: attempt, for: item.input))
            case .customer(let customer):
                if customer == nil, attempt.state == .begun, attempt.charge.customer == nil {
                    attempt.charge.saveFor = nil
                    attempts.put(attempt)
                }
                let charge = try OutgoingMessage(.request(MessageName.charge), item.input)
                guard let user = plan.attempt.charge.saveFor, orphans.contains(user) else { return .done(emit: [charge]) }
                return .done(emit: [charge, try OutgoingMessage(.request(MessageName.eraseInPayments), Customer(userID: user))])
            case .free:
                if attempt.state == .begun {
                    attempt.state = .succeeded
                    attempt = attempts.put(attempt)
                }
            case .found(let payment, let others):
                if let difference = attempt.difference(from: payment, at: plan.attempt.charge.gateway) { return .failed(Failure("payment-differs", difference)) }
                if attempt.learn(payment) { attempt = attempts.put(attempt) }
                // A webhook may have assigned the attempt another payment since the gateway was queried: then this one is an extra.
                let found = payment.isLive ? [payment.status.intent].compactMap(\.self) : []
                extras = (others + found).filter { $0 != attempt.intent }
            }
            let undoing = try extras.map {
                try OutgoingMessage(.request(MessageName.undoExtra), UndoExtraPayment(orderID: attempt.order, intent: $0, gateway: attempt.charge.gateway))
            }
            if wasVoided, attempt.state != .voided {
                return .done(emit: try undoing + [OutgoingMessage(.request(MessageName.void), VoidPayment(orderID: attempt.order))])
            }
            guard let event = attempt.event else {
                return .failed(Failure("payment-in-flight", "the payment is about to be voided", remedy: .retry))
            }
            return .done(emit: try undoing + Self.report(event, of: attempt, for: item.input))
        }
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }

    /// Reports all steps to orders at once: of the payment, and when the stock was reserved.
    private static func report(_ event: CheckoutEvent, of attempt: Attempt, for order: ChargeOrder) throws -> [OutgoingMessage] {
        var event = event
        event.reservedAt = order.reservedAt
        return try attempt.messages(event)
    }
}

extension Failure {
    init(_ error: GatewayError) {
        switch error {
        case .unknown(let detail): self.init("gateway-unknown", detail, remedy: .retry)
        case .keySpent(let detail): self.init("gateway-error", detail, remedy: .retry)
        case .notSent(let detail): self.init("gateway-unreachable", detail, remedy: .retry)
        case .refused(let detail): self.init("gateway-refused", detail)
        }
    }
}
