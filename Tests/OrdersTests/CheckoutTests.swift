import Contracts
import FoundationEssentials
import Testing

@testable import Orders

@Suite struct CheckoutTests {
    /// Far above the states there are; a model that grows past it has lost its bound.
    static let maximumStates = 2_000_000

    @Test func `no order of events, no duplicate and no loss breaks a promise, and every checkout can end`() throws {
        var states: [CheckoutModel: Int] = [CheckoutModel(): 0]
        var order = [CheckoutModel()]
        var predecessors: [[Int]] = [[]]
        var position = 0
        var phases: Set<Checkout.Phase> = []
        while position < order.count {
            let state = order[position]
            phases.insert(state.checkout.phase)
            #expect(state.violations.isEmpty, "\(state.violations) in \(state)")
            if !state.violations.isEmpty { return }
            for next in state.successors() {
                if let known = states[next] {
                    predecessors[known].append(position)
                } else {
                    states[next] = order.count
                    order.append(next)
                    predecessors.append([position])
                }
            }
            position += 1
            try #require(order.count < Self.maximumStates)
        }
        #expect(phases == Set(Checkout.Phase.allCases), "every phase is visited")

        var reaching = Set(order.indices.filter { order[$0].isQuiet })
        var open = Array(reaching)
        while let state = open.popLast() {
            for before in predecessors[state] where reaching.insert(before).inserted { open.append(before) }
        }
        let stuck = order.indices.first { !reaching.contains($0) }
        #expect(stuck == nil, "no way to an end from \(stuck.map { "\(order[$0])" } ?? "")")
    }

    @Test func `without faults a checkout is confirmed after three answers`() {
        var checkout = Checkout.placed
        var steps: [Checkout.Step] = []
        for event in [Checkout.Event.stockReserved, .charged, .stockCommitted] {
            guard let (next, more) = checkout.after(event) else { continue }
            checkout = next
            steps += more
        }
        #expect(checkout == Checkout(phase: .confirmed, reason: nil))
        #expect(steps == [.charge, .commit, .tellConfirmed])
    }

    @Test func `an ended checkout asks for nothing, except that late money goes back`() {
        for kind in CheckoutEvent.Kind.allCases {
            #expect(Checkout(phase: .confirmed, reason: nil).after(.init(kind, expired: true)) == nil)
            let after = Checkout(phase: .rejected, reason: .outOfStock).after(.init(kind, expired: true))
            #expect(after?.steps == (kind == .charged ? [.void] : nil))
        }
    }

    @Test(arguments: [Checkout.Phase.releasing, .reopening, .rejected])
    func `money that comes for an order that is given up goes back`(phase: Checkout.Phase) {
        let after = Checkout(phase: phase, reason: .paymentDeclined).after(.charged)
        #expect(after?.next.phase == phase)
        #expect(after?.steps == [.void])
    }

    @Test func `an order ends as rejected only when its cart is open again, and as confirmed only when its stock is taken`() {
        for phase in Checkout.Phase.allCases {
            for kind in CheckoutEvent.Kind.allCases {
                for expired in [false, true] {
                    guard let (next, _) = Checkout(phase: phase, reason: nil).after(.init(kind, expired: expired)), next.phase != phase else { continue }
                    if next.phase == .rejected { #expect(phase == .reopening && kind == .cartReopened) }
                    if next.phase == .confirmed { #expect(phase == .confirming && kind == .stockCommitted) }
                }
            }
        }
    }

    @Test func `a refund that is refused for good holds up neither goods nor cart`() {
        let after = Checkout(phase: .voiding, reason: .paymentTimeout).after(.paymentUnresolved)
        #expect(after?.next.phase == .releasing)
    }

    /// Each is another message in the queue of a service that may only be slow.
    @Test func `in its whole life a step is asked for a handful of times, and less often the longer it takes`() {
        let times = CheckoutTimes()
        let start = Date(timeIntervalSince1970: 1_000_000)
        var pauses: [Double] = []
        var now = start
        while !times.isExpired(placedAt: start, now: now), let due = times.due(.charging, drives: pauses.count, placedAt: start, now: now) {
            pauses.append(due.timeIntervalSince(now))
            now = due
        }
        #expect(pauses.count <= 7)
        #expect(pauses.dropLast() == pauses.dropLast().sorted()[...])
        let undoing = times.due(.voiding, drives: 60, placedAt: start, now: now)
        #expect(undoing == now.addingTimeInterval(times.longestPatience))
    }

    @Test func `an event that comes twice in a row changes nothing the second time`() {
        for phase in Checkout.Phase.allCases {
            for kind in CheckoutEvent.Kind.allCases where kind != .overdue && kind != .charged {
                guard let (next, _) = Checkout(phase: phase, reason: nil).after(.init(kind, expired: false)) else { continue }
                #expect(next.after(.init(kind, expired: false)) == nil || next.phase != phase)
            }
        }
    }

    @Test func `a checkout that waits is due once, and one that has ended never`() {
        let times = CheckoutTimes()
        let now = Date(timeIntervalSince1970: 1_000_000)
        for phase in Checkout.Phase.allCases {
            for drives in [0, 1, 5, 60] {
                let due = times.due(phase, drives: drives, placedAt: now, now: now)
                if phase == .confirmed || phase == .rejected {
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
