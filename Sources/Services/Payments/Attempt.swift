import Contracts
import FoundationEssentials
import Secrets

/// The payment of an order: a pure state, moved by what the gateway says.
struct Attempt: Sendable, Hashable {
    enum State: String, Sendable, CaseIterable {
        /// Committed; the gateway may or may not have been asked.
        case begun
        case requiresAction, succeeded, declined
        /// No money was taken, and none is to be.
        case voided
        case refunded
    }

    let order: UUID
    var charge: Charge
    var state: State
    var voidRequested = false
    var intent: String?
    var clientSecret: String?
    var detail: String?
    var sentUntil: Date?
    /// When it was learned that the gateway answers the key by an error, and what it had begun with it was over.
    var keySpentAt: Date?
    let createdAt: Date

    /// Takes in what the gateway says; true when that changed anything. What is older than what is known changes nothing.
    mutating func learn(_ status: PaymentStatus) -> Bool {
        let before = self
        switch (state, status) {
        case (.begun, .requiresAction(let intent, let secret)):
            (state, self.intent, clientSecret) = (.requiresAction, intent, secret)
        case (.begun, .declined(let intent, let code)), (.requiresAction, .declined(let intent, let code)):
            (state, self.intent, detail) = (.declined, intent ?? self.intent, code)
        case (.begun, .cancelled(let intent)), (.requiresAction, .cancelled(let intent)):
            (state, self.intent, detail) = (.voided, intent, "cancelled at the gateway")
        // Also after a decline, when the customer has tried another card, and after a void, when a call had been on its way:
        // money that was taken is known as taken, so that it can go back.
        case (.begun, .succeeded(let intent)), (.requiresAction, .succeeded(let intent)),
            (.declined, .succeeded(let intent)), (.voided, .succeeded(let intent)):
            (state, self.intent, detail) = (.succeeded, intent, nil)
        // A call that had been on its way when the payment was voided has opened one after all: it is to be closed.
        case (.voided, .requiresAction(let intent, let secret)) where self.intent == nil:
            (state, self.intent, clientSecret) = (.requiresAction, intent, secret)
        default:
            break
        }
        if state != .requiresAction { clientSecret = nil }
        return self != before
    }

    static func firstKey(of order: UUID) -> UUID { UUID.v5(namespace: order, name: "charge") }

    var hasRenewedKey: Bool { charge.idempotencyKey != Self.firstKey(of: order) }

    /// Takes a new key in the place of one that is spent, once whatever came of that one can be found; the gateway is asked for it before the new
    /// one is used.
    mutating func renewKey(now: Date) {
        guard let keySpentAt, now >= keySpentAt.addingTimeInterval(Charging.findableAfter) else { return }
        charge.idempotencyKey = UUID.v5(namespace: charge.idempotencyKey, name: "again")
        self.keySpentAt = nil
    }

    /// What the checkout has to be told of the state; nil while nothing is known.
    var event: CheckoutEvent? {
        switch state {
        case .begun: nil
        case .requiresAction: CheckoutEvent(orderID: order, kind: .paymentActionRequired, clientSecret: clientSecret)
        case .succeeded: CheckoutEvent(orderID: order, kind: .charged)
        case .declined: CheckoutEvent(orderID: order, kind: .paymentDeclined, detail: detail)
        case .voided: CheckoutEvent(orderID: order, kind: .paymentDeclined, detail: detail ?? "voided")
        case .refunded: CheckoutEvent(orderID: order, kind: .paymentDeclined, detail: "refunded")
        }
    }
}
