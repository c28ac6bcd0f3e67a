import Contracts
import FoundationEssentials
import Testing

@testable import Orders
@testable import Payments

@Suite struct CheckoutTests {
    /// Far above the actual number of states; a model that grows past it has lost its bound.
    static let maximumStates = 100_000

    @Test(arguments: [true, false], [(redirects: false, capturesLater: false), (redirects: true, capturesLater: false), (redirects: false, capturesLater: true)])
    func `no order of events, no duplicate and no loss breaks a promise, and every checkout can end`(
        catalogHandsOver: Bool, gateway: (redirects: Bool, capturesLater: Bool)
    ) throws {
        let model = CheckoutModel(handsOver: catalogHandsOver, redirects: gateway.redirects, capturesLater: gateway.capturesLater)
        let states = try Self.closure(of: model) { $0.successors() }.states
        for state in states where !state.violations.isEmpty {
            Issue.record("\(state.violations) in \(state)")
            return
        }
        #expect(Set(states.map(\.checkout.phase)) == Set(Checkout.Phase.allCases).subtracting([.booked, .confirming]), "every phase is visited")
        expectVisits(states, gateway)

        // The worst that can happen anywhere: all messages in flight are lost. From there, too, the checkout ends.
        var ending: Set<CheckoutModel> = []
        for state in states.map(\.bereft) where !ending.contains(state) {
            let isEnding = try Self.closure(of: state, { $0.successors(faultless: true) }) { $0.isQuiet && $0.flight.isEmpty || ending.contains($0) }.isFound
            #expect(isEnding, "no way to an end from \(state)")
            ending.insert(state)
        }
    }

    /// A model that does not reach the hard cases proves nothing.
    private func expectVisits(_ states: [CheckoutModel], _ gateway: (redirects: Bool, capturesLater: Bool)) {
        let unreachable: Set<Attempt.State> =
            gateway.capturesLater ? [.refunded, .needsOperator, .settled] : [.authorized, .uncaptured, .settled]
        #expect(Set(states.compactMap(\.attempt?.state)) == Set(Attempt.State.allCases).subtracting(unreachable))
        if gateway.redirects {
            #expect(states.contains { $0.money == .approved && $0.attempt?.state == .voided }, "approved too late")
            #expect(states.contains { $0.money == .reviewed && $0.attempt?.voidRequested == true }, "given up under review")
            #expect(states.contains { $0.money == .reviewed && $0.attempt?.clientSecret == nil }, "a review that payments knows of")
        }
        if gateway.capturesLater {
            #expect(states.contains { $0.shipped && $0.money == .taken && $0.attempt?.state == .succeeded }, "captured later")
            #expect(states.contains { $0.lapsed && $0.attempt?.state == .uncaptured }, "the authorization has ended, and goods are on their way")
            #expect(states.contains { $0.lapsed && $0.checkout.phase == .confirmed && $0.attempt?.state == .voided }, "the authorization has ended before the shipment")
        }
    }

    /// All reachable states; the search stops at the first one that matches.
    private static func closure(
        of start: CheckoutModel, _ successors: (CheckoutModel) -> [CheckoutModel], until isLookedFor: (CheckoutModel) -> Bool = { _ in false }
    ) throws -> (states: [CheckoutModel], isFound: Bool) {
        var known: Set = [start]
        var states = [start]
        var position = 0
        while position < states.count {
            if isLookedFor(states[position]) { return (states, true) }
            for next in successors(states[position]) where known.insert(next).inserted { states.append(next) }
            position += 1
            try #require(states.count < maximumStates)
        }
        return (states, false)
    }

    @Test(arguments: [Checkout.Phase.reserving, .charging, .awaitingCustomer, .booked])
    func `a checkout is confirmed as soon as it is paid`(phase: Checkout.Phase) {
        let checkout = Checkout(phase: phase, reason: nil)
        #expect(checkout.after(.charged) == (Checkout(phase: .confirmed, reason: nil), [.announceConfirmed]))
        #expect(checkout.after(.stockCommitted) == nil, "a sale that an earlier catalog reports is no news: the payment's own report is under way")
    }

    @Test func `an order that an earlier version left waiting for its sale is confirmed`() {
        let confirming = Checkout(phase: .confirming, reason: nil)
        #expect(confirming.after(.stockCommitted) == (Checkout(phase: .confirmed, reason: nil), [.announceConfirmed]))
        #expect(confirming.after(.overdue(expired: true)) == (Checkout(phase: .confirmed, reason: nil), [.sell, .announceConfirmed]))
    }

    @Test(arguments: [Checkout.Phase.reserving, .charging, .awaitingCustomer, .booked, .confirming, .confirmed])
    func `a paid order whose reservation is gone is taken back, whichever report arrives first`(phase: Checkout.Phase) {
        #expect(Checkout(phase: phase, reason: nil).after(.reservationLost) == (Checkout(phase: .voiding, reason: .outOfStock), [.void]))
    }

    @Test func `the report of a payment that is lost is requested again, and after the checkout's lifetime its money is refunded`() {
        let booked = Checkout(phase: .booked, reason: nil)
        #expect(booked.after(.overdue(expired: false)) == (booked, [.charge]))
        #expect(booked.after(.overdue(expired: true)) == (Checkout(phase: .voiding, reason: .paymentTimeout), [.void]))
    }

    @Test func `an ended checkout repeats no step, except that late money is refunded and stock that is still reserved is settled`() {
        for kind in CheckoutEvent.Kind.allCases {
            let steps: [Checkout.Step]? = kind == .stockReserved ? [.sell] : kind == .reservationLost ? [.void] : nil
            #expect(Checkout(phase: .confirmed, reason: nil).after(.init(kind, expired: true))?.steps == steps)
            for phase in [Checkout.Phase.rejected, .cancelled] {
                let after = Checkout(phase: phase, reason: .outOfStock).after(.init(kind, expired: true))
                #expect(after?.next.phase ?? phase == phase)
                #expect(after?.steps == (kind == .charged ? [.void] : kind == .stockReserved ? [.release] : nil))
            }
        }
    }

    /// A charge was on its way when the customer cancelled, and its webhook arrives last.
    @Test func `a webhook after a cancellation does not revert it, and its money goes back`() throws {
        var checkout = Checkout.placed
        var steps: [Checkout.Step] = []
        for event in [Checkout.Event.cancelled(by: .customer), .charged, .paymentVoided, .stockReleased, .charged, .reservationLost, .cartReopened] {
            guard let (next, more) = checkout.after(event) else { continue }
            checkout = next
            steps += more
        }
        #expect(checkout == Checkout(phase: .cancelled, reason: .cancelledByCustomer))
        #expect(steps == [.void, .release, .announceCancelled, .void])
    }

    @Test(arguments: Checkout.Phase.allCases)
    func `a cancellation begins once, and only before the order is given up`(phase: Checkout.Phase) {
        let after = Checkout(phase: phase, reason: nil).after(.cancelled(by: .shop))
        let isRunning = [.reserving, .charging, .awaitingCustomer, .booked, .confirming, .confirmed].contains(phase)
        #expect((after != nil) == isRunning)
        guard let after else { return }
        #expect(after.next.orderState == "cancelled")
        #expect(after.steps == [.void], "the stock goes back only when it is certain that no money is kept")
        #expect(after.next.after(.cancelled(by: .customer)) == nil)
    }

    @Test(arguments: Checkout.Phase.allCases)
    func `an operator repeats the step that a deadline would repeat, and gives up only what a deadline would give up`(phase: Checkout.Phase) {
        let checkout = Checkout(phase: phase, reason: nil)
        let retried = checkout.after(.retried)
        #expect((retried == nil) == checkout.isTerminal)
        if phase != .confirming { #expect(retried?.next ?? checkout == checkout, "the step is the same") }
        // A customer who has to act is not reminded by it: payments reports again.
        #expect(retried == (phase == .awaitingCustomer ? (checkout, [.charge]) : checkout.after(.overdue(expired: false))))
        let abandoned = checkout.after(.abandoned)
        let mayEnd = [Checkout.Phase.reserving, .charging, .awaitingCustomer, .booked].contains(phase)
        #expect(abandoned == (mayEnd ? checkout.after(.overdue(expired: true)) : nil))
        #expect(abandoned?.steps ?? [.void] == [.void], "the stock goes back only when it is certain that no money is kept")
    }

    @Test(arguments: [Checkout.Phase.releasing, .reopening, .rejected, .cancelled])
    func `money that arrives for an order that is given up is refunded`(phase: Checkout.Phase) {
        let after = Checkout(phase: phase, reason: .paymentDeclined).after(.charged)
        #expect(after?.next.phase == phase)
        #expect(after?.steps == [.void])
    }

    @Test func `an order ends as rejected only when its cart is open again, and as confirmed only when it is paid`() {
        for phase in Checkout.Phase.allCases {
            for kind in CheckoutEvent.Kind.allCases {
                for expired in [false, true] {
                    guard let (next, _) = Checkout(phase: phase, reason: nil).after(.init(kind, expired: expired)), next.phase != phase else { continue }
                    if next.phase == .rejected { #expect(phase == .reopening && kind == .cartReopened) }
                    if next.phase == .confirmed, phase != .confirming { #expect(kind == .charged) }
                }
            }
        }
    }

    @Test func `a permanently refused refund holds up neither goods nor cart`() {
        let after = Checkout(phase: .voiding, reason: .paymentTimeout).after(.paymentUnresolved)
        #expect(after?.next.phase == .releasing)
    }

    /// Each repetition is another message in the queue of a service that may only be slow.
    @Test func `over its whole life a step is repeated a handful of times, at growing intervals`() {
        let times = CheckoutTimes()
        let start = Date(timeIntervalSince1970: 1_000_000)
        var pauses: [Double] = []
        var now = start
        while !times.isExpired(placedAt: start, now: now), let due = times.due(.charging, retries: pauses.count, placedAt: start, now: now) {
            pauses.append(due.timeIntervalSince(now))
            now = due
        }
        #expect(pauses.count <= 7)
        #expect(pauses.dropLast() == pauses.dropLast().sorted()[...])
        let undoing = times.due(.voiding, retries: 60, placedAt: start, now: now)
        #expect(undoing == now.addingTimeInterval(times.longestTimeout))
    }

    @Test func `an event repeated in a row changes nothing the second time`() {
        for phase in Checkout.Phase.allCases {
            for kind in CheckoutEvent.Kind.allCases where kind != .overdue && kind != .charged && (kind != .stockReserved || !Checkout(phase: phase, reason: nil).isTerminal) {
                guard let (next, _) = Checkout(phase: phase, reason: nil).after(.init(kind, expired: false)) else { continue }
                #expect(next.after(.init(kind, expired: false)) == nil || next.phase != phase)
            }
        }
    }

    @Test func `a waiting checkout is due once, and an ended one never`() {
        let times = CheckoutTimes()
        let now = Date(timeIntervalSince1970: 1_000_000)
        for phase in Checkout.Phase.allCases {
            for retries in [0, 1, 5, 60] {
                let due = times.due(phase, retries: retries, placedAt: now, now: now)
                if phase == .confirmed || phase == .rejected || phase == .cancelled {
                    #expect(due == nil)
                } else {
                    #expect(due.map { $0 > now && $0 <= now.addingTimeInterval(times.lifetime) } == true)
                }
            }
        }
    }
}

func == (left: (next: Checkout, steps: [Checkout.Step])?, right: (next: Checkout, steps: [Checkout.Step])?) -> Bool {
    left?.next == right?.next && left?.steps == right?.steps
}
