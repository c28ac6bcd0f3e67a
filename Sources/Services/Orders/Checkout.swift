import Contracts

/// The checkout saga as a pure function: its state so far and the current event determine the next steps. No I/O and no clock, so that
/// every order of events can be tested.
///
/// ```
/// reserving ────────► confirmed | awaitingCustomer | releasing (card declined) | voiding (no answer) | reopening (out of stock)
/// awaitingCustomer ─► confirmed | voiding
/// confirmed ────────► voiding (its reservation is gone)
/// voiding ─► releasing ─► reopening ─► rejected
/// any of them up to confirmed, once it is cancelled ─► voiding ─► releasing ─► cancelled
/// ```
///
/// Catalog hands over to payments, so the first event of most orders is the result of the charge. A reservation does not expire while its order lives, so an order whose
/// money is taken is confirmed. Payments reports the charge to orders and has catalog book the sale at the same time; catalog reports only a reservation that is gone, which
/// takes the order back. If catalog never learns of the sale, its sweep finds the reservation.
///
/// Every step may be requested again and every event may arrive twice: receivers of steps act once per order, and an event that no longer fits changes
/// nothing. Stock is released only after it is certain that no money is kept, or that an operator must handle it.
struct Checkout: Sendable, Hashable {
    enum Phase: String, Sendable, CaseIterable {
        case reserving, charging, awaitingCustomer, voiding, releasing, reopening, confirmed, rejected, cancelled
        /// Entered by earlier versions, whose catalog reported each sale: the report of the charge is still to come, or that of the sale.
        case booked, confirming
    }

    enum Reason: String, Sendable, CaseIterable {
        case outOfStock, paymentDeclined, paymentTimeout, stockTimeout
        case cancelledByCustomer, cancelledByShop
    }

    enum Event: Sendable, Hashable {
        case stockReserved, stockShort
        case charged, paymentDeclined, paymentActionRequired
        case stockCommitted, reservationLost
        case paymentVoided, paymentUnresolved, stockReleased, cartReopened
        case paymentChanged
        /// The customer or the shop has cancelled the order before anything was shipped.
        case cancelled(by: Canceller)
        /// The deadline of the step has passed; `expired` when that of the whole checkout has passed too.
        case overdue(expired: Bool)
        /// The customer has been asked to act, and has not done so within the grace.
        case unattended
        /// An operator requests the current step again, without waiting for its deadline.
        case retried
        /// An operator gives the order up, as the deadline of the whole checkout would.
        case abandoned
    }

    enum Canceller: Sendable, Hashable, CaseIterable {
        case customer, shop
    }

    /// A message to send.
    enum Step: Sendable, Hashable, CaseIterable {
        case reserve, charge, sell, void, release, reopen, announceConfirmed, announceRejected, announceCancelled, announceActionRequired
    }

    var phase: Phase
    var reason: Reason?

    static let placed = Checkout(phase: .reserving, reason: nil)

    var isTerminal: Bool { phase == .confirmed || phase == .rejected || phase == .cancelled }

    /// Whether it will end as rejected or cancelled, and no payment is requested any more.
    var isGivenUp: Bool { phase == .releasing || phase == .reopening || phase == .rejected || phase == .cancelled }

    /// Whether it has ended as cancelled, or will.
    var isCancelled: Bool { reason == .cancelledByCustomer || reason == .cancelledByShop }

    /// The next state and the steps to take; nil when the event changes nothing.
    func after(_ event: Event) -> (next: Checkout, steps: [Step])? {
        switch (phase, event) {
        // A catalog of an earlier version does not hand over.
        case (.reserving, .stockReserved): to(.charging, .charge)
        case (.reserving, .stockShort): to(.reopening, .reopen, because: .outOfStock)
        case (.reserving, .overdue(expired: false)): to(.reserving, .reserve)
        // Payments may have been asked already. The void forbids a charge that is still in progress, and the release a reservation.
        case (.reserving, .overdue(expired: true)): to(.voiding, .void, because: .stockTimeout)

        case (.reserving, .charged), (.charging, .charged), (.awaitingCustomer, .charged): to(.confirmed, .announceConfirmed)
        case (.reserving, .paymentDeclined), (.charging, .paymentDeclined): to(.releasing, .release, because: .paymentDeclined)
        case (.reserving, .paymentActionRequired), (.charging, .paymentActionRequired): to(.awaitingCustomer)
        case (.charging, .overdue(expired: false)): to(.charging, .charge)
        case (.charging, .overdue(expired: true)): to(.voiding, .void, because: .paymentTimeout)
        // The customer can still complete this payment and may try another card: it must be closed before the stock is released.
        case (.awaitingCustomer, .paymentDeclined): to(.voiding, .void, because: .paymentDeclined)
        case (.awaitingCustomer, .overdue(expired: true)): to(.voiding, .void, because: .paymentTimeout)
        case (.awaitingCustomer, .overdue(expired: false)): to(.awaitingCustomer)
        case (.awaitingCustomer, .unattended): to(.awaitingCustomer, .announceActionRequired)

        case (.booked, .charged): to(.confirmed, .announceConfirmed)
        // The charge is not made again: its result is reported again.
        case (.booked, .overdue(expired: false)): to(.booked, .charge)
        case (.booked, .overdue(expired: true)): to(.voiding, .void, because: .paymentTimeout)

        case (.confirming, .stockCommitted): to(.confirmed, .announceConfirmed)
        case (.confirming, .overdue): to(.confirmed, .sell, .announceConfirmed)
        // Something outside Wharf has lost it, such as a database restored from a backup: the money is refunded. The report may overtake that of the charge.
        case (.reserving, .reservationLost), (.charging, .reservationLost), (.awaitingCustomer, .reservationLost), (.booked, .reservationLost),
            (.confirming, .reservationLost), (.confirmed, .reservationLost):
            to(.voiding, .void, because: .outOfStock)

        // The same way back, whether the order was paid or not: a charge that is still in progress meets the void.
        case (.reserving, .cancelled(let canceller)), (.charging, .cancelled(let canceller)), (.awaitingCustomer, .cancelled(let canceller)),
            (.booked, .cancelled(let canceller)), (.confirming, .cancelled(let canceller)), (.confirmed, .cancelled(let canceller)):
            to(.voiding, .void, because: canceller == .customer ? .cancelledByCustomer : .cancelledByShop)

        case (.voiding, .paymentVoided): to(.releasing, .release)
        // An operator decides about the money, and has a dead letter about it; the goods need not wait for that.
        case (.voiding, .paymentUnresolved): to(.releasing, .release)
        case (.voiding, .overdue): to(.voiding, .void)
        // The cart of a cancelled order stays closed.
        case (.releasing, .stockReleased) where isCancelled: to(.cancelled, .announceCancelled)
        case (.releasing, .stockReleased): to(.reopening, .reopen)
        case (.releasing, .overdue): to(.releasing, .release)
        // A customer who is notified of the end may use the cart at once.
        case (.reopening, .cartReopened): to(.rejected, .announceRejected)
        case (.reopening, .overdue): to(.reopening, .reopen)
        // Catalog still holds stock for an order that has ended.
        case (.confirmed, .stockReserved): to(.confirmed, .sell)
        case (.rejected, .stockReserved), (.cancelled, .stockReserved): to(phase, .release)
        // If money ever arrives for an order that was given up, it is refunded.
        case (.releasing, .charged), (.reopening, .charged), (.rejected, .charged), (.cancelled, .charged): to(phase, .void)

        // Nothing is charged again: payments reports its result once more, in case the first report was lost.
        case (.awaitingCustomer, .retried): to(.awaitingCustomer, .charge)
        case (_, .retried): after(.overdue(expired: false))
        // Later there is money to refund, or the order is given up already.
        case (.reserving, .abandoned), (.charging, .abandoned), (.awaitingCustomer, .abandoned), (.booked, .abandoned): after(.overdue(expired: true))

        default: nil
        }
    }

    private func to(_ phase: Phase, _ steps: Step..., because reason: Reason? = nil) -> (Checkout, [Step]) {
        (Checkout(phase: phase, reason: self.reason ?? reason), steps)
    }
}

extension Checkout.Event {
    init(_ kind: CheckoutEvent.Kind, expired: Bool) {
        switch kind {
        case .stockReserved: self = .stockReserved
        case .stockShort: self = .stockShort
        case .charged: self = .charged
        case .paymentDeclined: self = .paymentDeclined
        case .paymentActionRequired: self = .paymentActionRequired
        case .stockCommitted: self = .stockCommitted
        case .reservationLost: self = .reservationLost
        case .paymentVoided: self = .paymentVoided
        case .paymentUnresolved: self = .paymentUnresolved
        case .paymentChanged: self = .paymentChanged
        case .stockReleased: self = .stockReleased
        case .cartReopened: self = .cartReopened
        case .overdue: self = .overdue(expired: expired)
        }
    }
}
