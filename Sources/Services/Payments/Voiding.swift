import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// `payments.void`: the compensation of a charge. It ends when it is certain that no money is kept: first it is found out what was taken,
/// then that is cancelled or refunded, never the other way round.
struct Voiding: Sendable {
    enum Finding: Sendable {
        case voided(VoidResult, status: PaymentStatus?)
        case failed(Failure)
    }

    /// How long a payment that is to be voided is left to the message that says so, in seconds.
    static let patience = 120.0
    static let unvoidedAtOnce = 100

    let gateway: any PaymentGateway
    let clock: any WallClock

    /// Should the message that says so be lost, the row still does.
    func findUnvoided(on transaction: any SQLConnection) async throws -> [Emission] {
        let now = clock.now()
        let orders = try await Store.takeUnvoided(
            before: now.addingTimeInterval(-Self.patience), limit: Self.unvoidedAtOnce, now: now, on: transaction)
        return try orders.map { try Emission(.request(MessageName.void), VoidPayment(orderID: $0)) }
    }

    /// A charge that has not begun is forbidden by the row that it would have written.
    func begin(_ items: [Item<VoidPayment>], on transaction: any SQLConnection) async throws -> [Attempt] {
        let now = clock.now()
        let tombstones = items.map { item in
            let order = item.input.orderID
            let nothing = Charge(
                order: order, orderNumber: "", amount: Money(amount: 0, currency: ""), paymentMethod: "",
                idempotencyKey: UUID.v5(namespace: order, name: "charge"))
            return Attempt(order: order, charge: nothing, state: .voided, voidRequested: true, createdAt: now)
        }
        var attempts = try await Store.begin(tombstones, now: now, on: transaction).attempts
        var marked: [Attempt] = []
        for order in attempts.keys.sorted() {
            guard var attempt = attempts[order], !attempt.voidRequested else { continue }
            attempt.voidRequested = true
            attempts[order] = attempt
            marked.append(attempt)
        }
        try await Store.save(marked, now: now, on: transaction)
        return try items.map { item in
            guard let attempt = attempts[item.input.orderID] else {
                throw Failure("attempt-missing", "the attempt for order \(item.input.orderID) is not there", remedy: .retry)
            }
            return attempt
        }
    }

    func void(_ items: [(item: Item<VoidPayment>, plan: Attempt)]) async throws -> [Finding] {
        await concurrently(items, limit: Charging.maximumConcurrent) { await void($0.plan) }
    }

    private func void(_ attempt: Attempt) async -> Finding {
        do throws(GatewayError) {
            switch attempt.state {
            case .voided: return .voided(attempt.intent == nil ? .nothing : .cancelled, status: nil)
            case .refunded: return .voided(.refunded, status: nil)
            case .succeeded, .requiresAction, .declined:
                guard let intent = attempt.intent else { return .voided(.nothing, status: nil) }
                return try await undo(attempt, intent: intent, isPaid: attempt.state == .succeeded)
            case .begun:
                if let sentUntil = attempt.sentUntil, sentUntil > clock.now() {
                    return .failed(Failure("payment-in-flight", "a call to the gateway may be under way", remedy: .retry))
                }
                switch try await gateway.find(order: attempt.order) {
                case nil, .declined(nil, _): return .voided(.nothing, status: nil)
                case .succeeded(let intent): return try await undo(attempt, intent: intent, isPaid: true)
                case .requiresAction(let intent, _), .declined(let intent?, _):
                    return try await undo(attempt, intent: intent, isPaid: false)
                case .cancelled(let intent): return .voided(.cancelled, status: .cancelled(intent: intent))
                }
            }
        } catch {
            return .failed(Failure(error))
        }
    }

    private func undo(_ attempt: Attempt, intent: String, isPaid: Bool) async throws(GatewayError) -> Finding {
        var status: PaymentStatus = .succeeded(intent: intent)
        if !isPaid {
            status = try await gateway.cancel(
                intent: intent, idempotencyKey: UUID.v5(namespace: attempt.order, name: "cancel"))
        }
        switch status {
        case .cancelled: return .voided(.cancelled, status: status)
        // The customer was faster than the cancellation.
        case .succeeded:
            try await gateway.refund(intent: intent, idempotencyKey: UUID.v5(namespace: attempt.order, name: "refund"))
            return .voided(.refunded, status: status)
        case .requiresAction, .declined:
            throw .unknown("the payment \(intent) could not be cancelled")
        }
    }

    func complete(
        _ items: [(item: Item<VoidPayment>, plan: Attempt, result: Finding)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts = try await Store.lock(items.map(\.item.input.orderID), on: transaction)
        var changed: Set<UUID> = []
        let outcomes: [Outcome] = try items.map { item, plan, finding in
            guard var attempt = attempts[item.input.orderID] else {
                return .failed(Failure("attempt-missing", "the attempt for order \(item.input.orderID) is gone", remedy: .retry))
            }
            switch finding {
            case .failed(let failure):
                return .failed(failure)
            case .voided(let result, let status):
                if attempt.state != plan.state, attempt.state != .refunded, attempt.state != .voided {
                    return .failed(Failure("payment-moved", "the payment has changed while it was voided", remedy: .retry))
                }
                if let status { _ = attempt.learn(status) }
                attempt.state = result == .refunded ? .refunded : .voided
                attempt.clientSecret = nil
                attempts[attempt.order] = attempt
                changed.insert(attempt.order)
                let event = CheckoutEvent(orderID: attempt.order, kind: .paymentVoided, detail: result.rawValue)
                return .done(emit: [try Emission(.request(MessageName.advance), event)])
            }
        }
        try await Store.save(changed.compactMap { attempts[$0] }, now: clock.now(), on: transaction)
        return outcomes
    }
}
