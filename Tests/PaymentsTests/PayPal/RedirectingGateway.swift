import Contracts
import FoundationEssentials
import Messaging
import Secrets
import Synchronization

@testable import Payments

/// A gateway whose customers approve a payment on its pages, as strict and as forgetful as PayPal: it cancels nothing, captures any approved payment for any
/// caller, finds no payment by its order, and may lose an answer.
final class RedirectingGateway: PaymentGateway {
    enum Stage: Equatable {
        case waiting, approved, reviewed, captured, declined, gone
    }

    struct State {
        var stages: [String: Stage] = [:]
        var intents: [UUID: String] = [:]
        var orders: [String: UUID] = [:]
        var amount = ScriptedGateway.amount
        var refunded = 0
        var captures = 0
        var retrieved = 0
        var pages: [String?] = []
        var declines = false
        var losesCapture = false
        var refusesCapture = false
        var isAwayForCancellations = false
        /// Runs before a capture is carried out.
        var onCapture: @Sendable () async -> Void = {}
    }

    let name = GatewayName.paypal
    let state = Mutex(State())

    func event(_ request: Request) throws -> GatewayEvent { try PayPalEvent.read(request) }

    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment {
        let intent = state.withLock { state in
            state.pages.append(charge.returnURL)
            if let known = state.intents[charge.idempotencyKey] { return known }
            let intent = "5O\(state.intents.count + 1)"
            state.intents[charge.idempotencyKey] = intent
            state.orders[intent] = charge.order
            state.stages[intent] = .waiting
            return intent
        }
        guard let payment = payment(intent) else { throw .unknown("lost") }
        return payment
    }

    func find(order: UUID) async throws(GatewayError) -> [GatewayPayment] { [] }
    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment] { [] }

    func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment? {
        state.withLock { $0.retrieved += 1 }
        return payment(intent)
    }

    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        if state.withLock({ $0.isAwayForCancellations }) { throw .notSent("nothing listens there") }
        guard let payment = payment(intent), case .succeeded = payment.status else {
            return GatewayPayment(status: .cancelled(intent: intent), order: state.withLock { $0.orders[intent] }, amount: state.withLock { $0.amount })
        }
        return payment
    }

    func captureApproved(_ payment: GatewayPayment) async throws(GatewayError) -> GatewayPayment {
        let intent = payment.status.intent ?? ""
        await state.withLock { $0.onCapture }()
        let (isLost, isRefused) = state.withLock { state in
            guard state.stages[intent] == .approved, !state.refusesCapture else { return (false, state.refusesCapture) }
            state.stages[intent] = state.declines ? .declined : .captured
            if !state.declines { state.captures += 1 }
            defer { state.losesCapture = false }
            return (state.losesCapture, false)
        }
        if isRefused { throw .refused("PAYEE_ACCOUNT_RESTRICTED") }
        if isLost { throw .unknown("timed out") }
        guard let payment = self.payment(intent) else { throw .unknown("gone") }
        return payment
    }

    func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment {
        state.withLock { $0.refunded = $0.amount.amount }
        guard let payment = payment(call.intent) else { throw .refused("unknown") }
        return payment
    }

    func put(_ stage: Stage, _ intent: String = "5O1") { state.withLock { $0.stages[intent] = stage } }

    private func payment(_ intent: String) -> GatewayPayment? {
        state.withLock { state in
            guard let stage = state.stages[intent], stage != .gone else { return nil }
            let status: PaymentStatus =
                switch stage {
                case .waiting, .gone: .requiresAction(intent: intent, clientSecret: "https://gateway.example/\(intent)")
                case .approved, .reviewed: .open(intent: intent)
                case .captured: .succeeded(intent: intent)
                case .declined: .declined(intent: intent, code: "INSTRUMENT_DECLINED")
                }
            var payment = GatewayPayment(status: status, order: state.orders[intent], amount: state.amount, refunded: state.refunded)
            payment.awaitsCapture = stage == .approved
            return payment
        }
    }
}
