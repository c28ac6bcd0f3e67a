import Contracts
import FoundationEssentials
import Messaging
import Synchronization

@testable import Payments

/// A gateway that answers as the test specifies, and records its requests.
final class ScriptedGateway: PaymentGateway {
    /// What becomes of a refund that is requested.
    enum RefundAnswer {
        case made(GatewayMovements.Refund.Status)
        /// Made, and the answer is lost.
        case lost
        /// Not made, and the caller does not know.
        case vanished
        case refused
        /// The key yields an error from now on; the refund was made or was not.
        case spent(made: Bool)
    }

    struct State {
        /// The refunds and disputes of its payments.
        var movements: [String: GatewayMovements] = [:]
        var refundAnswer = RefundAnswer.made(.succeeded)
        /// The gateway acts once per key.
        var keys: Set<UUID> = []
        var amounts: [Int?] = []
        var answer: Result<PaymentStatus, GatewayError> = .success(.succeeded(intent: "pi_1"))
        /// The results of a search, whatever the answer was.
        var known: [PaymentStatus] = []
        /// The results that only a certain lookup returns.
        var knownForCertain: [PaymentStatus] = []
        /// The gateway's payments, by name.
        var payments: [String: GatewayPayment] = [:]
        /// Of all its payments.
        var amount = ScriptedGateway.amount
        var refusesRefunds = false
        var charges: [UUID] = []
        /// The calls themselves.
        var charged: [Charge] = []
        /// The users for whom a customer was requested, and the customers that were deleted.
        var customers: [UUID] = []
        var deleted: [String] = []
        var refusesCustomers = false
        /// The method that its payments save.
        var savedMethod: GatewayMethod?
        var detached: [String] = []
        var refunds: [UUID] = []
        var cancellations: [String] = []
        var captureAnswer: Result<PaymentStatus, GatewayError> = .success(.succeeded(intent: "pi_1"))
        var captures: [UUID] = []
        var retrieved: [String] = []
        /// Runs when a search is requested.
        var onFind: @Sendable () -> Void = {}
        /// Runs before a charge is answered.
        var onCharge: @Sendable () async -> Void = {}
        /// Runs before a customer is created.
        var onCustomer: @Sendable () async -> Void = {}
        /// Runs before a refund is carried out.
        var onRefund: @Sendable () async -> Void = {}
        /// Runs before a cancellation is answered.
        var onCancel: @Sendable () async -> Void = {}
    }

    static let amount = Money(amount: 500, currency: "EUR")

    let order: UUID
    let state = Mutex(State())

    init(order: UUID = PaymentFixture.order) {
        self.order = order
    }

    func payment(_ status: PaymentStatus, refunded: Int = 0) -> GatewayPayment {
        let (amount, saved) = state.withLock { ($0.amount, $0.savedMethod) }
        var payment = GatewayPayment(status: status, order: order, amount: amount, refunded: refunded)
        payment.savedMethod = saved
        return payment
    }

    /// The gateway now has the payment in this state.
    func have(_ status: PaymentStatus) {
        let payment = payment(status)
        state.withLock { $0.payments[status.intent ?? ""] = payment }
    }

    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment {
        let (answer, first) = state.withLock { state in
            state.charges.append(charge.idempotencyKey)
            state.charged.append(charge)
            return (state.answer, state.onCharge)
        }
        await first()
        return payment(try answer.get())
    }

    func find(order: UUID) async throws(GatewayError) -> [GatewayPayment] {
        let (found, then) = state.withLock { ($0.known, $0.onFind) }
        then()
        return found.map { payment($0) }
    }

    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment] {
        state.withLock { $0.known + $0.knownForCertain }.map { payment($0) }
    }

    func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment? {
        state.withLock { state in
            state.retrieved.append(intent)
            return state.payment(intent)
        }
    }

    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        let first = state.withLock { state in
            state.cancellations.append(intent)
            return state.onCancel
        }
        await first()
        return payment(.cancelled(intent: intent))
    }

    func capture(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        let answer = state.withLock { state in
            state.captures.append(idempotencyKey)
            return state.captureAnswer
        }
        return payment(try answer.get())
    }

    func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment {
        await state.withLock { $0.onRefund }()
        let result = state.withLock { state -> Result<GatewayPayment, GatewayError> in
            state.refunds.append(call.idempotencyKey)
            state.amounts.append(call.amount?.amount)
            if state.refusesRefunds { return .failure(.refused("the balance does not suffice")) }
            return state.refund(call, of: state.payment(call.intent) ?? payment(.succeeded(intent: call.intent), amount: state.amount))
        }
        return try result.get()
    }

    func createCustomer(for user: UUID) async throws(GatewayError) -> String {
        await state.withLock { $0.onCustomer }()
        let isRefused = state.withLock { state in
            state.customers.append(user)
            return state.refusesCustomers
        }
        if isRefused { throw .refused("the key has no access to customers") }
        return "cus_1"
    }

    func detachMethod(_ method: String) async throws(GatewayError) {
        state.withLock { $0.detached.append(method) }
    }

    func deleteCustomer(_ customer: String) async throws(GatewayError) {
        state.withLock { $0.deleted.append(customer) }
    }

    private func payment(_ status: PaymentStatus, amount: Money) -> GatewayPayment {
        GatewayPayment(status: status, order: order, amount: amount)
    }

    let name = GatewayName.stripe
    func event(_ request: Request) throws -> GatewayEvent { try StripeEvent.read(request) }

    /// Somebody refunds a part at the gateway's dashboard.
    func refundByHand(_ amount: Int, id: String = "re_hand", _ status: GatewayMovements.Refund.Status = .succeeded) {
        state.withLock { state in
            state.movements["pi_1", default: GatewayMovements()].refunds.removeAll { $0.id == id }
            state.movements["pi_1", default: GatewayMovements()].refunds.append(.init(id: id, refundID: nil, amount: amount, status: status))
        }
    }

    /// A refund that was made ends otherwise.
    func change(_ id: String, to status: GatewayMovements.Refund.Status) {
        state.withLock { state in
            var refunds = state.movements["pi_1"]?.refunds ?? []
            for (place, old) in refunds.enumerated() where old.id == id {
                refunds[place] = .init(
                    id: id, refundID: old.refundID, round: old.round, amount: old.amount, status: status, reason: "expired_or_canceled_card")
            }
            state.movements["pi_1"]?.refunds = refunds
        }
    }

    func dispute(_ outcome: GatewayMovements.Dispute.Outcome) {
        state.withLock {
            $0.movements["pi_1", default: GatewayMovements()].disputes = [.init(id: "dp_1", amount: 500, reason: "fraudulent", outcome: outcome)]
        }
    }
}

extension ScriptedGateway.State {
    /// As the gateway has it now, with its refunds and disputes.
    fileprivate func payment(_ intent: String) -> GatewayPayment? {
        payments[intent].map { with(movements[intent] ?? GatewayMovements(), $0) }
    }

    private func with(_ movements: GatewayMovements, _ payment: GatewayPayment) -> GatewayPayment {
        guard case .succeeded = payment.status else { return payment }
        var moved = GatewayPayment(
            status: payment.status, order: payment.order, amount: payment.amount, refunded: Self.refunded(movements),
            isDisputed: !movements.disputes.isEmpty, movements: movements)
        moved.savedMethod = savedMethod
        return moved
    }

    fileprivate mutating func refund(_ call: RefundCall, of payment: GatewayPayment) -> Result<GatewayPayment, GatewayError> {
        let left = payment.amount.amount - Self.refunded(movements[call.intent] ?? GatewayMovements())
        let amount = call.amount?.amount ?? left
        func make(_ status: GatewayMovements.Refund.Status) {
            guard keys.insert(call.idempotencyKey).inserted, amount > 0 else { return }
            let refund = GatewayMovements.Refund(
                id: "re_\(keys.count)", refundID: call.refundID, round: call.round, amount: amount, status: status)
            movements[call.intent, default: GatewayMovements()].refunds.insert(refund, at: 0)
        }
        if !keys.contains(call.idempotencyKey), amount > left { return .failure(.refused("greater than unrefunded amount")) }
        switch refundAnswer {
        case .made(let status): make(status)
        case .lost:
            make(.succeeded)
            return .failure(.unknown("timed out"))
        case .vanished: return .failure(.unknown("timed out"))
        case .refused: return .failure(.refused("the balance does not suffice"))
        case .spent(let made):
            if made { make(.succeeded) }
            return .failure(.keySpent("answered 500"))
        }
        return .success(with(movements[call.intent] ?? GatewayMovements(), payment))
    }

    private static func refunded(_ movements: GatewayMovements) -> Int {
        movements.refunds.reduce(0) { $1.status == .pending || $1.status == .succeeded ? $0 + $1.amount : $0 }
    }
}
