// swift-format-ignore-file
// One line a transition.

import Contracts
import FoundationEssentials

@testable import Orders
@testable import Payments

/// A checkout with everything around it, small enough that all of its states can be visited: the real saga and payment state, models of a catalog and a gateway,
/// and the messages between them. A message in flight may arrive once, often, late, or never.
struct CheckoutModel {
    enum Message: Hashable {
        case step(Checkout.Step)
        case event(CheckoutEvent.Kind)

        static let all: [Message] = Checkout.Step.allCases.map(Message.step) + CheckoutEvent.Kind.allCases.map(Message.event)
        static let places = Dictionary(uniqueKeysWithValues: zip(all, 0...))
    }

    enum Reservation: Hashable {
        case none, reserved, short, committed, released
    }

    /// The actual state at the gateway.
    enum Money: Hashable {
        /// `approved`: only at a gateway that redirects, which waits for the capture. `reviewed`: it reviews the capture before it takes the money.
        case none, waitsForCustomer, approved, reviewed, reserved, taken, declined, cancelled, givenBack
    }

    static let order = UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
    private static let intent = "pi_1"

    /// Whether catalog hands over to payments. An earlier version reports to orders.
    var handsOver = true
    /// Whether the customer approves the payment on the gateway's pages, and payments captures it afterwards. Such a gateway cancels nothing and finds nothing.
    var redirects = false
    /// Whether payments are only authorized, and captured at the shipment.
    var capturesLater = false
    var checkout = Checkout.placed
    var reservation = Reservation.none
    var attempt: Attempt?
    var money = Money.none
    /// A worker is between its two transactions: the call to the gateway may still go through, however late.
    var callUnderWay = false
    var flight = Flight(.step(.reserve))
    var announcedConfirmed = false
    var announcedRejected = false
    var announcedCancelled = false
    /// The warehouse has sent a part of the order, which it does for a confirmed order only.
    var shipped = false
    /// The customer's bank has ended the authorization.
    var lapsed = false

    /// Every possible next state. A message may be delivered again, however late: a message that was sent stays in flight. A message lost or delivered
    /// only once is a path that does not use it, so losses need no states of their own. `faultless` delivers each message once, and leaves out crashes and calls
    /// that go wrong.
    func successors(faultless: Bool = false) -> [CheckoutModel] {
        var next: [CheckoutModel] = []
        for message in flight {
            for var after in delivering(message) {
                if faultless { after.flight.remove(message) }
                next.append(after)
            }
        }
        if !checkout.isTerminal {
            next.append(receiving(.overdue(expired: false)))
            next.append(receiving(.overdue(expired: true)))
            next.append(receiving(.unattended))
        }
        if !faultless {
            // A row lock decides between the two.
            if !shipped { next += Checkout.Canceller.allCases.map { receiving(.cancelled(by: $0)) } }
            // An operator may do either at any time. No checkout needs one in order to end.
            next += [receiving(.retried), receiving(.abandoned)]
            if checkout.phase == .confirmed { next.append(with { $0.shipped = true }) }
        }
        // The catalog's sweep, whose report may be late.
        if !faultless, reservation == .reserved { next.append(with { $0.flight.insert(.event(.stockReserved)) }) }
        if mustVoid { next.append(with { $0.flight.insert(.step(.void)) }) }
        if callUnderWay { next += callEnding(faultless: faultless) }
        if money == .waitsForCustomer {
            for outcome in redirects ? [Money.approved] : [paid, .declined] { next.append(with { $0.money = outcome }) }
        }
        if redirects { next += approving(faultless: faultless) + reviewEnding }
        if capturesLater { next += capturing(faultless: faultless) }
        // The customer's browser still holds the secret of a payment that was declined after an authentication.
        if !redirects, money == .declined, attempt?.intent != nil, checkout.phase == .awaitingCustomer || checkout.phase == .voiding {
            next.append(with { $0.money = paid })
        }
        if let status = reported { next.append(with { $0.learn(status) }) }
        return next.filter { $0 != self }
    }

    /// Nothing will happen any more when all messages in flight are lost: the saga has ended, and the gateway has sent all its events.
    var isQuiet: Bool {
        guard !callUnderWay, !mustVoid, checkout.isTerminal, money != .reviewed, capturing(faultless: true).isEmpty else { return false }
        guard let status = reported, var known = attempt else { return true }
        return !known.learn(Self.payment(status))
    }

    /// The same, with all messages in flight lost.
    var bereft: CheckoutModel { with { $0.flight = Flight() } }

    /// Payments looks for these by itself.
    private var mustVoid: Bool {
        guard let attempt, attempt.voidRequested else { return false }
        return [.begun, .requiresAction, .authorized, .succeeded].contains(attempt.state)
    }

    // MARK: Events

    func with(_ change: (inout CheckoutModel) -> Void) -> CheckoutModel {
        var model = self
        change(&model)
        return model
    }

    private func delivering(_ message: Message) -> [CheckoutModel] {
        switch message {
        case .event(let kind): [receiving(Checkout.Event(kind, expired: false))]
        case .step(.reserve): reserving()
        case .step(.sell): [selling()]
        case .step(.release): [releasing()]
        case .step(.reopen): [with { $0.flight.insert(.event(.cartReopened)) }]
        case .step(.charge): charging()
        case .step(.void): voiding()
        case .step(.announceConfirmed): [with { $0.announcedConfirmed = true }]
        case .step(.announceRejected): [with { $0.announcedRejected = true }]
        case .step(.announceCancelled): [with { $0.announcedCancelled = true }]
        case .step(.announceActionRequired): [self]
        }
    }

    private func receiving(_ event: Checkout.Event) -> CheckoutModel {
        guard let (checkout, steps) = checkout.after(event) else { return self }
        return with { model in
            model.checkout = checkout
            for step in steps { model.flight.insert(.step(step)) }
        }
    }

    private func reserving() -> [CheckoutModel] {
        let answer: Message = handsOver ? .step(.charge) : .event(.stockReserved)
        return switch reservation {
        case .none:
            [
                with { $0.reservation = .reserved; $0.flight.insert(answer) },
                with { $0.reservation = .short; $0.flight.insert(.event(.stockShort)) },
            ]
        case .reserved, .committed: [with { $0.flight.insert(answer) }]
        case .short, .released: [with { $0.flight.insert(.event(.stockShort)) }]
        }
    }

    private func selling() -> CheckoutModel {
        with { model in
            if model.reservation == .reserved { model.reservation = .committed }
            if model.reservation != .committed { model.flight.insert(.event(.reservationLost)) }
            // A catalog of an earlier version reports the sale, too.
            if !model.handsOver, model.reservation == .committed { model.flight.insert(.event(.stockCommitted)) }
        }
    }

    private func releasing() -> CheckoutModel {
        with {
            $0.reservation = .released
            $0.flight.insert(.event(.stockReleased))
        }
    }

    var moneyStatus: PaymentStatus? {
        switch money {
        case .none, .givenBack: nil
        case .approved, .reviewed: .open(intent: Self.intent)
        case .waitsForCustomer: .requiresAction(intent: Self.intent, clientSecret: "secret")
        case .reserved: .authorized(intent: Self.intent)
        case .taken: .succeeded(intent: Self.intent)
        case .declined: .declined(intent: Self.intent, code: "generic_decline")
        case .cancelled: .cancelled(intent: Self.intent)
        }
    }

    mutating func learn(_ status: PaymentStatus) {
        guard var attempt else { return }
        let before = attempt.state
        guard attempt.learn(Self.payment(status)) else { return }
        self.attempt = attempt
        if before == .voided {
            flight.insert(.step(.void))
        } else if attempt.state == before || before == .authorized && !attempt.voidRequested {
            flight.insert(.event(.paymentChanged))
        } else if let event = attempt.event {
            report(event, of: attempt)
        }
    }

    private mutating func report(_ event: CheckoutEvent, of attempt: Attempt) {
        flight.insert(.event(event.kind))
        if event.kind == .charged, !attempt.voidRequested { flight.insert(.step(.sell)) }
    }

    private func charging() -> [CheckoutModel] {
        guard let attempt else {
            return [with { $0.attempt = attempt(.begun); $0.callUnderWay = true }]
        }
        if attempt.state == .begun || (attempt.state == .voided && attempt.intent == nil) {
            if let moneyStatus, !redirects { return [with { $0.learn(moneyStatus) }] }
            if attempt.state == .begun, !attempt.voidRequested, !callUnderWay { return [with { $0.callUnderWay = true }] }
        }
        guard let event = attempt.event else { return [self] }
        return [with { $0.report(event, of: attempt) }]
    }

    private func callEnding(faultless: Bool) -> [CheckoutModel] {
        var next: [CheckoutModel] = []
        if money == .none {
            for outcome in redirects ? [Money.waitsForCustomer] : [paid, .declined, .waitsForCustomer] { next.append(with { $0.money = outcome }) }
            // It never went through; the message is delivered again.
            next.append(with { $0.callUnderWay = false; $0.flight.insert(.step(.charge)) })
        } else {
            next.append(with { model in
                model.callUnderWay = false
                if let status = moneyStatus { model.learn(status) }
            })
            // The worker died before its second transaction; the message is delivered again.
            if !faultless { next.append(with { $0.callUnderWay = false; $0.flight.insert(.step(.charge)) }) }
        }
        return next
    }

    private func voiding() -> [CheckoutModel] {
        guard let attempt else { return [with { $0.attempt = attempt(.voided); $0.answerVoided() }] }
        var marked = self
        marked.attempt?.voidRequested = true
        switch attempt.state {
        case .voided, .refunded, .settled: return [marked.with { $0.answerVoided() }]
        case .needsOperator: return [marked.with { $0.flight.insert(.event(.paymentUnresolved)) }]
        case .begun where marked.money == .none || redirects:
            return [marked.with { $0.attempt?.state = .voided; $0.answerVoided() }]
        case .begun, .requiresAction, .authorized, .uncaptured, .declined, .succeeded:
            // The result of a capture is outstanding.
            guard !attempt.isBeingCaptured(at: attempt.createdAt), marked.money != .reviewed else { return [marked] }
            let undone = marked.with { model in
                if let status = model.moneyStatus { _ = model.attempt?.learn(Self.payment(status)) }
                model.money = model.money == .taken ? .givenBack : redirects ? model.money : .cancelled
                model.attempt?.state = model.money == .givenBack ? .refunded : .voided
                model.attempt?.clientSecret = nil
                model.answerVoided()
            }
            guard marked.money == .taken else { return [undone] }
            // Or the gateway finally refuses to refund it.
            return [undone, marked.with { model in
                model.attempt?.state = .needsOperator
                model.flight.insert(.event(.paymentUnresolved))
            }]
        }
    }

    private mutating func answerVoided() {
        flight.insert(.event(.paymentVoided))
    }

    private static func payment(_ status: PaymentStatus) -> GatewayPayment {
        GatewayPayment(status: status, order: order, amount: Contracts.Money(amount: 100, currency: "EUR"))
    }

    private func attempt(_ state: Attempt.State) -> Attempt {
        let charge = Charge(
            order: Self.order, orderNumber: "W-1", amount: Contracts.Money(amount: 100, currency: "EUR"), paymentMethod: "pm",
            idempotencyKey: Self.order, gateway: redirects ? .paypal : .stripe, isCapturedLater: capturesLater)
        return Attempt(order: Self.order, charge: charge, state: state, createdAt: Date(timeIntervalSince1970: 0))
    }
}
