import Messaging
import Testing

@testable import Assembly
@testable import Bench
@testable import Chaos
@testable import Topology

@Suite struct `Chaos schedules` {
    @Test(arguments: [0, 1, 42, UInt64.max])
    func `the same seed and length give the same schedule, printed alike`(seed: UInt64) {
        let once = ChaosSchedule(seed: seed, seconds: 300)
        let again = ChaosSchedule(seed: seed, seconds: 300)
        #expect(once == again)
        #expect(once.text == again.text)
    }

    @Test func `the same few goods are scarce for the same seed`() throws {
        let plans = try [1, 1, 2].map { ChaosPlan(seed: $0, seconds: 60, baskets: try .builtIn()) }
        #expect(plans.allSatisfy { $0.scarce.count == ChaosPlan.scarceGoods })
        #expect(plans[0].scarce == plans[1].scarce)
        #expect(plans[0].scarce != plans[2].scarce)
    }

    @Test func `another seed gives another schedule`() {
        #expect(ChaosSchedule(seed: 1, seconds: 300).injections != ChaosSchedule(seed: 2, seconds: 300).injections)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `every kind of fault occurs in the standard length`(seed: UInt64) {
        let kinds = Set(ChaosSchedule(seed: seed, seconds: ChaosSchedule.wholeDeck).injections.map(\.kind))
        #expect(kinds == Set(FaultKind.alone))
    }

    @Test func `the standard length is some five minutes at most`() {
        #expect(ChaosSchedule.wholeDeck <= 300)
    }

    @Test(arguments: [10, 30, 60, 300, 3_600])
    func `a schedule takes no longer than allowed, and leaves no time in which another fault would fit`(seconds: Int) {
        for seed in 0..<20 as Range<UInt64> {
            let schedule = ChaosSchedule(seed: seed, seconds: seconds)
            let nominal = schedule.injections.reduce(0) { $0 + Int($1.hold.components.seconds) + $1.kind.effort + 1 }
            #expect(nominal <= seconds)
            #expect(seconds - nominal < 5, "seed \(seed)")
        }
    }

    @Test func `in an hour each kind strikes all of its targets`() {
        let injections = ChaosSchedule(seed: 7, seconds: 3_600).injections
        for kind in FaultKind.alone {
            #expect(Set(injections.filter { $0.kind == kind }.map(\.target)) == Set(kind.targets), "\(kind)")
        }
    }

    @Test func `holds are within their bounds, and lasting faults state how long`() {
        for injection in ChaosSchedule(seed: 3, seconds: 3_600).injections {
            #expect(injection.kind.holds.contains(Int(injection.hold.components.seconds)))
            #expect(injection.text.contains(" s") == (injection.hold > .zero) || injection.kind.holds.lowerBound == 0)
        }
    }

    @Test func `deleted queues and bindings are those of the topology`() throws {
        let definitions = try Broker.definitions("\(RunningWharf.repository())/topology/definitions.json")
        let queues = Set(definitions.queues.map(\.name))
        #expect(QueueFault.queues.allSatisfy(queues.contains))
        for route in BindingFault.routes {
            #expect(
                definitions.bindings.contains {
                    $0.source == route.exchange && $0.destination == route.queue && $0.routingKey == route.key
                }, "\(route.key)")
        }
    }
}
