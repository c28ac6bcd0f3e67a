import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// `payments.charge`: T1 commits the attempt, the gateway is called with its key, T2 commits what came of it.
struct Charging: Sendable {
    /// Calls to the gateway at once, of one batch.
    static let maximumConcurrent = 64
    /// How long after T1 a call may still begin or be under way, in seconds; more than the gateway's deadline for a call.
    static let callLease = 60.0
    /// How long a payment that an error was told of may take to be there, in seconds, before a new key may be used.
    static let findableAfter = 60.0

    struct Plan: Sendable {
        let attempt: Attempt
        /// The gateway may have been asked before: it is asked what it knows before anything is sent.
        let mayHaveBeenSent: Bool
    }

    enum Finding: Sendable {
        case status(PaymentStatus)
        /// Nothing to learn: the state is the answer.
        case settled
        /// The order costs nothing; a gateway takes no such payment.
        case free
        case failed(Failure)
        /// The key is of no more use.
        case keySpent(Failure)
    }

    let gateway: any PaymentGateway
    let clock: any WallClock

    static func read(_ request: Request) throws -> ChargeOrder {
        let order = try Operation.contract(ChargeOrder.self)(request)
        guard order.amount.isChargeable else { throw Failure("malformed-message", "order \(order.orderID): the amount is out of bounds") }
        return order
    }

    func begin(_ items: [Item<ChargeOrder>], on transaction: any SQLConnection) async throws -> [Plan] {
        let now = clock.now()
        let wanted = items.map { item in
            let order = item.input
            let charge = Charge(
                order: order.orderID, orderNumber: order.orderNumber, amount: order.amount,
                paymentMethod: order.payment.paymentMethod,
                idempotencyKey: Attempt.firstKey(of: order.orderID))
            return Attempt(
                order: order.orderID, charge: charge, state: .begun,
                sentUntil: now.addingTimeInterval(Self.callLease), createdAt: now)
        }
        var (attempts, added) = try await Store.begin(wanted, now: now, on: transaction)
        var renewed: [Attempt] = []
        for order in attempts.keys.sorted() where !added.contains(order) {
            // No call begins for what is to be voided, so the void need not wait longer for one.
            guard var attempt = attempts[order], attempt.state == .begun, !attempt.voidRequested else { continue }
            attempt.sentUntil = now.addingTimeInterval(Self.callLease)
            attempt.renewKey(now: now)
            attempts[order] = attempt
            renewed.append(attempt)
        }
        try await Store.save(renewed, now: now, on: transaction)
        return try wanted.map { wanted in
            guard let attempt = attempts[wanted.order] else {
                throw Failure("attempt-missing", "the attempt for order \(wanted.order) is not there", remedy: .retry)
            }
            return Plan(attempt: attempt, mayHaveBeenSent: !added.contains(wanted.order))
        }
    }

    func charge(_ items: [(item: Item<ChargeOrder>, plan: Plan)]) async throws -> [Finding] {
        await concurrently(items, limit: Self.maximumConcurrent) { await find($0.plan) }
    }

    private func find(_ plan: Plan) async -> Finding {
        let attempt = plan.attempt
        do throws(GatewayError) {
            switch attempt.state {
            case .begun:
                if plan.mayHaveBeenSent, let status = try await gateway.find(order: attempt.order) { return .status(status) }
                if attempt.voidRequested { return .settled }
                if attempt.charge.amount.amount == 0 { return .free }
                // With a key that the gateway has never seen it charges again, whatever it has done with the one before.
                if attempt.hasRenewedKey,
                    let status = try await gateway.findForCertain(order: attempt.order, since: attempt.createdAt)
                {
                    return .status(status)
                }
                return .status(try await gateway.charge(attempt.charge))
            case .voided where attempt.intent == nil:
                // A call of a worker that has died since may have gone through after all.
                return try await gateway.find(order: attempt.order).map(Finding.status) ?? .settled
            default:
                return .settled
            }
        } catch {
            if case .keySpent = error { return .keySpent(Failure(error)) }
            return .failed(Failure(error))
        }
    }

    func complete(
        _ items: [(item: Item<ChargeOrder>, plan: Plan, result: Finding)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts = try await Store.lock(items.map(\.item.input.orderID), on: transaction)
        var changed: Set<UUID> = []
        let now = clock.now()
        let outcomes: [Outcome] = try items.map { item, plan, finding in
            guard var attempt = attempts[item.input.orderID] else {
                return .failed(Failure("attempt-missing", "the attempt for order \(item.input.orderID) is gone", remedy: .retry))
            }
            if plan.attempt.charge.amount != item.input.amount
                || plan.attempt.charge.paymentMethod != item.input.payment.paymentMethod,
                !(plan.attempt.state == .voided && plan.attempt.intent == nil)
            {
                return .failed(Failure("charge-differs", "order \(attempt.order) was charged with other parameters before"))
            }
            if case .failed(let failure) = finding { return .failed(failure) }
            if case .keySpent(let failure) = finding {
                if attempt.charge.idempotencyKey == plan.attempt.charge.idempotencyKey, attempt.keySpentAt == nil {
                    attempt.keySpentAt = now
                    attempts[attempt.order] = attempt
                    changed.insert(attempt.order)
                }
                return .failed(failure)
            }
            let wasVoided = attempt.state == .voided
            if case .free = finding, attempt.state == .begun {
                attempt.state = .succeeded
                attempts[attempt.order] = attempt
                changed.insert(attempt.order)
            }
            if case .status(let status) = finding, attempt.learn(status) {
                attempts[attempt.order] = attempt
                changed.insert(attempt.order)
            }
            if wasVoided, attempt.state != .voided {
                return .done(emit: [try Emission(.request(MessageName.void), VoidPayment(orderID: attempt.order))])
            }
            guard let event = attempt.event else {
                return .failed(Failure("payment-in-flight", "the payment is about to be voided", remedy: .retry))
            }
            return .done(emit: [try Emission(.request(MessageName.advance), event)])
        }
        try await Store.save(changed.compactMap { attempts[$0] }, now: now, on: transaction)
        return outcomes
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

/// The results of `body` in the order of `items`; at most `limit` at once.
func concurrently<Element: Sendable, Result: Sendable>(
    _ items: [Element], limit: Int, _ body: @escaping @Sendable (Element) async -> Result
) async -> [Result] {
    await withTaskGroup(of: (Int, Result).self) { group in
        var results = [Result?](repeating: nil, count: items.count)
        for (index, item) in items.enumerated() {
            if index >= limit, let (place, result) = await group.next() { results[place] = result }
            group.addTask { (index, await body(item)) }
        }
        for await (place, result) in group { results[place] = result }
        return results.compactMap(\.self)
    }
}
