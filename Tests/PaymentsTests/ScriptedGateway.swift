import Contracts
import FoundationEssentials
import Synchronization

@testable import Payments

/// A gateway that answers as the test specifies, and records its requests.
final class ScriptedGateway: PaymentGateway {
    struct State {
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
        var refunds: [UUID] = []
        var cancellations: [String] = []
        var retrieved: [String] = []
        /// Runs when a search is requested.
        var onFind: @Sendable () -> Void = {}
        /// Runs before a charge is answered.
        var onCharge: @Sendable () async -> Void = {}
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
        GatewayPayment(status: status, order: order, amount: state.withLock { $0.amount }, refunded: refunded)
    }

    /// The gateway now has the payment in this state.
    func have(_ status: PaymentStatus) {
        let payment = payment(status)
        state.withLock { $0.payments[status.intent ?? ""] = payment }
    }

    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment {
        let (answer, first) = state.withLock { state in
            state.charges.append(charge.idempotencyKey)
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
            return state.payments[intent]
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

    func refund(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        let isRefused = state.withLock { state in
            state.refunds.append(idempotencyKey)
            return state.refusesRefunds
        }
        if isRefused { throw .refused("the balance does not suffice") }
        return payment(.succeeded(intent: intent), refunded: Self.amount.amount)
    }
}
