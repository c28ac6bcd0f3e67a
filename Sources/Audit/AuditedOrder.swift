import Assembly
import Contracts
import FoundationEssentials
import Orders
import ShopClient

/// An order with everything that the services and the gateway hold about it.
struct AuditedOrder: Sendable {
    struct Saga: Sendable {
        let phase: String
        /// Nil for a phase of another version of Wharf.
        let fate: OrderOutcome?
        /// Why it was given up, in the words of the API.
        var reason: String?
        /// As reported to customers, in the words of the API.
        let paymentState: String
        let refunded: Int
        let dueAt: Date?
    }

    let id: UUID
    let number: String
    let cart: UUID
    /// Nil when they cannot be read.
    let lines: [OrderLine]?
    let total: Money
    let placedAt: Date
    /// Nil when there is none.
    let saga: Saga?
    /// Of the saga.
    let changedAt: Date

    /// The order that closed the cart; nil when the cart is gone or open.
    var orderOfCart: UUID?
    /// Nil before the first shipment.
    var fulfilment: AuditedFulfilment?
    var charge: AuditedCharge?
    var reservation: AuditedReservation?
    /// Returns whose goods the catalog has put back into stock.
    var restocks: Set<UUID> = []
    var notifications: [AuditedNotification] = []
    /// Nil when there is no ledger to read.
    var ledger: [LedgerPayment]?
    /// Whether a dead letter holds the notification of the order's end.
    var hasDeadNews = false
    /// Whether a dead letter holds another notification, of a parcel, a return or a refund.
    var hasDeadStepNews = false
    /// An open dead letter asks an operator to handle its payment.
    var hasOpenPayment = false

    /// The last change anywhere.
    var unchangedSince: Date {
        let others = [charge?.updatedAt, reservation?.at] + notifications.map(\.createdAt) + (ledger ?? []).map(\.createdAt)
        return others.compactMap(\.self).reduce(changedAt, max)
    }

    /// An amount of its currency, formatted for people.
    func money(_ amount: Int) -> String { Money(amount: amount, currency: total.currency).text }

    /// A finding about this order; `sentence` continues after its number.
    func finding(
        _ invariant: Invariant, _ sentence: String, awaits: ServiceName? = nil, longestWait: Double = Judge.longestFlight
    ) -> Finding {
        Finding(
            invariant, "order \(id.text)", "\(number) \(sentence)", unchangedSince: unchangedSince, awaits: awaits, longestWait: longestWait)
    }
}

/// The payment of an order in the payment service's records.
struct AuditedCharge: Sendable {
    let order: UUID
    /// The state as the payment service names it: `begun`, `requiresAction`, `authorized`, `uncaptured`, `succeeded`, `declined`, `voided`, `refunded`,
    /// `needsOperator`, `settled`.
    let state: String
    let amount: Money
    let isToBeVoided: Bool
    let intent: String?
    let updatedAt: Date
    /// In minor units, as the payment service reports it.
    var refunded = 0
    /// The sum of the refunds in its ledger that the gateway has.
    var refundsMade = 0
    var isDisputed = false
    /// Whether a partial refund waits for an operator.
    var hasRefusedRefund = false
    var gateway = GatewayName.stripe

    var needsOperator: Bool { state == "needsOperator" || state == "uncaptured" }
    /// Whether no money was taken: it is taken when the order is shipped, or could not be taken then.
    var isUntaken: Bool { state == "authorized" || state == "uncaptured" || (state == "settled" && !isToBeVoided) }

    /// Written to forbid a charge that had not begun.
    var isTombstone: Bool { amount.currency.isEmpty }
}

struct AuditedReservation: Sendable {
    let order: UUID
    /// In the words of the catalog: `reserved`, `short`, `committed`, `released`.
    let state: String
    /// Pieces by SKU.
    let pieces: [String: Int]
    let at: Date

    var holdsStock: Bool { state == "reserved" || state == "committed" }
}

struct AuditedNotification: Sendable {
    let order: UUID
    let kind: String
    let channel: String
    /// In the words of the notification service: `pending`, `sent`, `failed`.
    var result = "sent"
    /// Why the last attempt did not succeed.
    var detail: String?
    let createdAt: Date
}
