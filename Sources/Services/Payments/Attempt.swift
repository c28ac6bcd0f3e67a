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
        /// The money is reserved, and is taken when the goods are shipped.
        case authorized
        /// The goods are shipped, and the gateway permanently rejects taking the money.
        case uncaptured
        /// No money was taken, and none will be.
        case voided
        case refunded
        /// Money is kept that should be returned: the gateway permanently rejects the refund.
        case needsOperator
        /// Settled by an operator: the money was returned outside the gateway, or is not returned.
        case settled
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
    /// What the gateway has taken, in minor units, if that differs from the amount to be charged.
    var taken: Int?
    /// The amount refunded by the gateway, in minor units.
    var refunded = 0
    /// What an operator has refunded outside the gateway, in minor units.
    var refundedElsewhere = 0
    /// Whether goods were shipped, so that the money should be captured.
    var captureRequested = false
    var isDisputed = false
    /// Whether a refund of a part waits for an operator.
    var hasRefusedRefund = false
    /// Refunds of the rest, and captures, that were requested under a new key after the first was rejected.
    var refundTries = 0
    /// Grows by one with each change of the attempt.
    var version = 1
    let createdAt: Date
    /// The method that the gateway has saved with the payment, which is stored with this change of the attempt.
    var newMethod: SavedMethod?

    /// Applies the gateway's report of this attempt's payment; returns true when that changed anything. A report older than the known state changes nothing.
    mutating func learn(_ payment: GatewayPayment) -> Bool {
        let before = self
        move(payment.status)
        newMethod = savedMethod(of: payment, since: before) ?? newMethod
        // The customer has approved it, and the gateway reviews it before it takes the money, so there is no page left to visit.
        if state == .requiresAction, charge.gateway.redirects, payment.status == .open(intent: intent ?? ""), !payment.awaitsCapture { clientSecret = nil }
        if payment.status.intent == intent, case .succeeded = payment.status {
            taken = payment.captured == charge.amount.amount ? nil : payment.captured
        }
        // A payment with its refunds and disputes is for the ledger, which knows more than the sums.
        if payment.status.intent == intent, payment.movements == nil {
            refunded = max(refunded, payment.refunded)
            isDisputed = isDisputed || payment.isDisputed
        }
        settle()
        return self != before
    }

    /// An operator has nothing left to decide once all is refunded.
    mutating func settle() {
        if state == .needsOperator || state == .settled, captured > 0, refunded >= captured { state = .refunded }
    }

    /// What the gateway has taken, in minor units, whether it was returned or not.
    var captured: Int {
        switch state {
        case .succeeded, .refunded, .needsOperator, .settled: taken ?? charge.amount.amount
        case .begun, .requiresAction, .authorized, .uncaptured, .declined, .voided: 0
        }
    }

    var hasReturnedAll: Bool { captured > 0 && refunded >= captured }

    private mutating func move(_ status: PaymentStatus) {
        switch (state, status) {
        case (.begun, .requiresAction(let intent, let secret)):
            // The call was answered; from here on, `sentUntil` is the lease of a capture.
            (state, self.intent, clientSecret, sentUntil) = (.requiresAction, intent, secret, nil)
        case (.requiresAction, .requiresAction(_, let secret)) where clientSecret == nil: clientSecret = secret
        case (.begun, .declined(let intent, let code)), (.requiresAction, .declined(let intent, let code)):
            (state, self.intent, detail) = (.declined, intent ?? self.intent, code)
        // The authorization has ended: the goods are on their way, or the order waits for a shipment for which there is no payment.
        case (.authorized, .cancelled) where !voidRequested:
            (state, detail) = captureRequested ? (.uncaptured, Capturing.endedDetail) : (.voided, Capturing.ended)
        case (.begun, .cancelled(let intent)), (.requiresAction, .cancelled(let intent)), (.authorized, .cancelled(let intent)),
            (.declined, .cancelled(let intent)):
            (state, self.intent, detail) = (.voided, intent, "cancelled at the gateway")
        // Also after a decline, when the customer has tried another card, and after a void, when a call had been on its way:
        // money that was taken is recorded as taken, so that it can be refunded.
        case (.begun, .succeeded(let intent)), (.requiresAction, .succeeded(let intent)), (.authorized, .succeeded(let intent)),
            (.uncaptured, .succeeded(let intent)), (.declined, .succeeded(let intent)), (.voided, .succeeded(let intent)):
            (state, self.intent, detail) = (.succeeded, intent, nil)
        case (.begun, .authorized(let intent)), (.requiresAction, .authorized(let intent)), (.declined, .authorized(let intent)):
            (state, self.intent, detail) = (.authorized, intent, nil)
        // A call that had been on its way when the payment was voided has opened one after all: it has to be closed.
        case (.voided, .requiresAction(let intent, let secret)) where self.intent == nil:
            (state, self.intent, clientSecret) = (.requiresAction, intent, secret)
        case (.voided, .authorized(let intent)) where self.intent == nil:
            (state, self.intent) = (.authorized, intent)
        case (.voided, .declined(let intent?, let code)) where self.intent == nil:
            (state, self.intent, detail) = (.declined, intent, code)
        // Given up to an operator before it was known which payment it is.
        case (.needsOperator, .succeeded(let intent)) where self.intent == nil:
            self.intent = intent
        default:
            break
        }
        if state != .requiresAction { clientSecret = nil }
    }

    /// True if the row only forbids a charge. It names neither an amount nor a gateway.
    var isTombstone: Bool { charge.amount.currency.isEmpty }

    /// The reason why `payment` at `gateway` cannot be this attempt's; nil if it can.
    func difference(from payment: GatewayPayment, at gateway: GatewayName) -> String? {
        let id = payment.status.intent ?? "a payment"
        if payment.order != order { return "\(id) is for order \(payment.order?.lowerCaseText ?? "unknown"), not \(order.lowerCaseText)" }
        if isTombstone { return nil }
        if charge.gateway != gateway { return "\(id) is at \(gateway.rawValue), and the order is charged at \(charge.gateway.rawValue)" }
        if payment.amount == charge.amount { return nil }
        return "\(id) is for \(payment.amount.text), but \(charge.amount.text) is to be charged"
    }

    /// True if the payment of the order with this id at `gateway` is not this attempt's.
    func isAnother(_ intent: String, at gateway: GatewayName) -> Bool {
        if !isTombstone, charge.gateway != gateway { return true }
        return self.intent.map { $0 != intent } ?? false
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

    /// Money that was returned outside the gateway must not also be returned through it.
    var whyNotRefundedAsAWhole: String? {
        guard refundedElsewhere > 0 else { return nil }
        let elsewhere = Money(amount: refundedElsewhere, currency: charge.amount.currency)
        return "\(elsewhere.text) were refunded outside the gateway: refund the rest by hand"
    }

    /// The refund of the rest, under a different key each time an operator requests it again, since the gateway repeats its answer to a key.
    func refundOfRest(intent: String) -> RefundCall {
        RefundCall(
            intent: intent, order: order, refundID: Self.idOfRest(order), round: refundTries, amount: nil,
            idempotencyKey: UUID.v5(namespace: Self.idOfRest(order), name: String(refundTries)))
    }

    static func idOfRest(_ order: UUID) -> UUID { UUID.v5(namespace: order, name: "refund of the rest") }

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
            case .requiresAction: clientSecret == nil ? .pending : .requiresAction
            case .authorized: .authorized
            case .declined: .declined
            case .voided: .cancelled
            case .refunded: .refunded
            case .needsOperator, .uncaptured: .needsOperator
            case .succeeded where isDisputed: .disputed
            case .succeeded where hasRefusedRefund: .needsOperator
            case .succeeded where refunded > 0, .settled where refunded > 0: refunded < captured ? .partlyRefunded : .refunded
            case .settled where captured == 0: .cancelled
            case .succeeded, .settled: .succeeded
            }
        return PaymentReport(state: shown, refunded: refunded, revision: version)
    }

    /// The event that reports the state to the checkout; nil while nothing is known.
    var event: CheckoutEvent? {
        switch state {
        case .begun: nil
        case .requiresAction: event(.paymentActionRequired, clientSecret: clientSecret)
        case .succeeded, .authorized: event(.charged)
        case .declined: event(.paymentDeclined, detail)
        case .voided: event(.paymentDeclined, detail ?? "voided")
        case .refunded: event(.paymentDeclined, "refunded")
        case .needsOperator, .uncaptured: event(.paymentUnresolved, detail)
        // An operator's note is not for customers.
        case .settled: event(.paymentUnresolved, "settled by an operator")
        }
    }

    func event(
        _ kind: CheckoutEvent.Kind, _ detail: String? = nil, clientSecret: String? = nil, refund: RefundReport? = nil, voidResult: VoidResult? = nil
    ) -> CheckoutEvent {
        CheckoutEvent(
            orderID: order, kind: kind, detail: detail, clientSecret: clientSecret, payment: report, refund: refund, voidResult: voidResult)
    }
}

extension Attempt {
    /// Reports `event` to orders. A payment that has succeeded is reported to catalog at the same time, which books the sale: the two need not follow each other.
    func messages(_ event: CheckoutEvent) throws -> [OutgoingMessage] {
        let report = try OutgoingMessage(.request(MessageName.advance), event)
        guard event.kind == .charged, !voidRequested else { return [report] }
        return [report, try OutgoingMessage(.request(MessageName.sell), SettleReservation(orderID: order))]
    }
}
