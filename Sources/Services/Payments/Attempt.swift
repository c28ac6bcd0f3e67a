import Contracts
import FoundationEssentials
import Messaging
import Secrets

/// The payment of an order: a pure state, changed by the gateway's reports.
struct Attempt: Sendable, Hashable {
    enum State: String, Sendable, CaseIterable {
        /// Committed; the gateway may or may not have been called.
        case begun
        case requiresAction, succeeded, declined
        /// No money was taken, and none will be.
        case voided
        case refunded
        /// Money is kept that should be returned: the gateway permanently rejects the refund.
        case needsOperator
    }

    let order: UUID
    var charge: Charge
    var state: State
    var voidRequested = false
    var intent: String?
    var clientSecret: String?
    var detail: String?
    var sentUntil: Date?
    /// When it became known that the gateway answers the key with an error, and that what was begun with it had ended.
    var keySpentAt: Date?
    /// The amount refunded by the gateway, in minor units.
    var refunded = 0
    var isDisputed = false
    /// Refunds that were requested under a new key after the first was rejected.
    var refundTries = 0
    /// Grows by one with each transaction that changes the attempt.
    var version = 1
    let createdAt: Date

    /// Applies the gateway's report of this attempt's payment; returns true when that changed anything. A report older than the known state changes nothing.
    mutating func learn(_ payment: GatewayPayment) -> Bool {
        let before = self
        move(payment.status)
        if payment.status.intent == intent {
            refunded = max(refunded, payment.refunded)
            isDisputed = isDisputed || payment.isDisputed
        }
        if state == .needsOperator, refunded >= charge.amount.amount { state = .refunded }
        return self != before
    }

    private mutating func move(_ status: PaymentStatus) {
        switch (state, status) {
        case (.begun, .requiresAction(let intent, let secret)):
            (state, self.intent, clientSecret) = (.requiresAction, intent, secret)
        case (.begun, .declined(let intent, let code)), (.requiresAction, .declined(let intent, let code)):
            (state, self.intent, detail) = (.declined, intent ?? self.intent, code)
        case (.begun, .cancelled(let intent)), (.requiresAction, .cancelled(let intent)), (.declined, .cancelled(let intent)):
            (state, self.intent, detail) = (.voided, intent, "cancelled at the gateway")
        // Also after a decline, when the customer has tried another card, and after a void, when a call had been on its way:
        // money that was taken is recorded as taken, so that it can be refunded.
        case (.begun, .succeeded(let intent)), (.requiresAction, .succeeded(let intent)),
            (.declined, .succeeded(let intent)), (.voided, .succeeded(let intent)):
            (state, self.intent, detail) = (.succeeded, intent, nil)
        // A call that had been on its way when the payment was voided has opened one after all: it has to be closed.
        case (.voided, .requiresAction(let intent, let secret)) where self.intent == nil:
            (state, self.intent, clientSecret) = (.requiresAction, intent, secret)
        case (.voided, .declined(let intent?, let code)) where self.intent == nil:
            (state, self.intent, detail) = (.declined, intent, code)
        default:
            break
        }
        if state != .requiresAction { clientSecret = nil }
    }

    /// Why `payment` cannot be this attempt's; nil when it can.
    func difference(from payment: GatewayPayment) -> String? {
        let id = payment.status.intent ?? "a payment"
        if payment.order != order { return "\(id) is for order \(payment.order?.lowerCaseText ?? "unknown"), not \(order.lowerCaseText)" }
        // A row that only forbids a charge has no amount.
        if charge.amount.currency.isEmpty || payment.amount == charge.amount { return nil }
        return "\(id) is about \(payment.amount.amount) \(payment.amount.currency), and \(charge.amount.amount) \(charge.amount.currency) are to be charged"
    }

    /// The payment that belongs to this attempt, and others that hold money or may receive it.
    func choose(from payments: [GatewayPayment]) -> (own: GatewayPayment?, extras: [String]) {
        let place =
            payments.firstIndex { $0.status.intent == intent && intent != nil } ?? payments.firstIndex(where: \.isPaid)
            ?? payments.firstIndex(where: \.isLive) ?? payments.indices.first
        guard let place else { return (nil, []) }
        let extras = payments.indices.filter { $0 != place && payments[$0].isLive }.compactMap { payments[$0].status.intent }
        return (payments[place], extras)
    }

    static func firstKey(of order: UUID) -> UUID { UUID.v5(namespace: order, name: "charge") }

    /// The key of the refund; a different one each time an operator requests it again, since the gateway repeats its answer to a key.
    var refundKey: UUID { UUID.v5(namespace: order, name: refundTries == 0 ? "refund" : "refund \(refundTries)") }

    /// Whether a call to the gateway has begun so lately that its own answer will say what an event says. Should that answer be lost, the message that asked
    /// for the charge comes again and finds the payment.
    func expectsAnswer(at now: Date) -> Bool {
        guard state == .begun, !voidRequested, let sentUntil else { return false }
        return now < sentUntil.addingTimeInterval(Charging.usualCall - Charging.callLease)
    }

    var hasRenewedKey: Bool { charge.idempotencyKey != Self.firstKey(of: order) }

    /// Replaces a spent key, once the result of the old one can be found; the gateway is asked for that before the new key
    /// is used.
    mutating func renewKey(now: Date) {
        guard let keySpentAt, now >= keySpentAt.addingTimeInterval(Charging.findableAfter) else { return }
        charge.idempotencyKey = UUID.v5(namespace: charge.idempotencyKey, name: "again")
        self.keySpentAt = nil
    }

    /// The payment as an order shows it.
    var report: PaymentReport {
        let shown: PaymentState =
            switch state {
            case .begun: .pending
            case .requiresAction: .requiresAction
            case .declined: .declined
            case .voided: .cancelled
            case .refunded: .refunded
            case .needsOperator: .needsOperator
            case .succeeded where refunded > 0: refunded < charge.amount.amount ? .partlyRefunded : .refunded
            case .succeeded: isDisputed ? .disputed : .succeeded
            }
        return PaymentReport(state: shown, refunded: refunded, revision: version)
    }

    /// The event that reports the state to the checkout; nil while nothing is known.
    var event: CheckoutEvent? {
        switch state {
        case .begun: nil
        case .requiresAction: event(.paymentActionRequired, clientSecret: clientSecret)
        case .succeeded: event(.charged)
        case .declined: event(.paymentDeclined, detail)
        case .voided: event(.paymentDeclined, detail ?? "voided")
        case .refunded: event(.paymentDeclined, "refunded")
        case .needsOperator: event(.paymentUnresolved, detail)
        }
    }

    func event(_ kind: CheckoutEvent.Kind, _ detail: String? = nil, clientSecret: String? = nil) -> CheckoutEvent {
        CheckoutEvent(orderID: order, kind: kind, detail: detail, clientSecret: clientSecret, payment: report)
    }
}

extension Attempt {
    /// Reports `event` to orders. A payment that has succeeded is reported to catalog at the same time, which books the sale: the two need not follow each other.
    func messages(_ event: CheckoutEvent) throws -> [OutgoingMessage] {
        let report = try OutgoingMessage(.request(MessageName.advance), event)
        guard event.kind == .charged, !voidRequested else { return [report] }
        return [report, try OutgoingMessage(.request(MessageName.commit), SettleReservation(orderID: order))]
    }
}

/// The attempts that a transaction has locked, and those of them that it changes.
struct LockedAttempts {
    private var rows: [UUID: Attempt]
    private var changed: Set<UUID> = []

    init(_ rows: [UUID: Attempt]) {
        self.rows = rows
    }

    subscript(order: UUID) -> Attempt? { rows[order] }

    /// To be written back, in one order.
    var changes: [Attempt] { changed.sorted().compactMap { rows[$0] } }

    /// Returns the attempt to the set with its new version, which its reports carry.
    @discardableResult
    mutating func put(_ attempt: Attempt) -> Attempt {
        var attempt = attempt
        if changed.insert(attempt.order).inserted { attempt.version += 1 }
        rows[attempt.order] = attempt
        return attempt
    }
}
