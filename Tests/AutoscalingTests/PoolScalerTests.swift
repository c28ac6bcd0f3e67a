import Testing

@testable import Autoscaling

/// Decisions about one pool: pure functions of loads and time.
@Suite struct `Scaling a pool` {
    private static let goals = ScalingGoals(wait: 5, depth: 1_000, calm: .seconds(60), settling: .seconds(15))
    private let start = ContinuousClock.now

    private func scaler(_ bounds: ClosedRange<Int> = 1...8, queues: [String] = ["q"], goals: ScalingGoals = goals) -> PoolScaler {
        PoolScaler(queues: queues, bounds: bounds, goals: goals)
    }

    private func load(_ messages: Int = 0, consumers: Int = 1, handled: Double = 0, arriving: Double? = nil) -> [String: QueueLoad] {
        ["q": QueueLoad(messages: messages, consumers: consumers, handled: handled, arriving: arriving ?? handled)]
    }

    @Test func `bounds hold at once, with statistics or without`() {
        var scaler = scaler(2...4)
        #expect(scaler.decide([:], workers: 0, at: start) == .init(workers: 2, reason: .bounds(2...4)))
        #expect(scaler.decide([:], workers: 9, at: start) == .init(workers: 4, reason: .bounds(2...4)))
        var busy = self.scaler(2...4)
        #expect(busy.decide(load(90_000, handled: 1), workers: 3, at: start).workers == 4)
        #expect(busy.decide(load(90_000, consumers: 4, handled: 1), workers: 4, at: start + .seconds(20)) == .init(workers: 4, reason: .full(needed: 72_004)))
    }

    @Test func `without statistics nothing changes, and calm does not count`() {
        var scaler = scaler()
        for second in 0..<100 {
            #expect(scaler.decide([:], workers: 3, at: start + .seconds(second * 5)) == .init(workers: 3, reason: .noFigures))
        }
        #expect(scaler.decide(load(consumers: 3), workers: 3, at: start + .seconds(500)).reason == .calming(.zero))
        #expect(scaler.decide([:], workers: 3, at: start + .seconds(559)).reason == .noFigures)
        #expect(scaler.decide(load(consumers: 3), workers: 3, at: start + .seconds(561)).workers == 3)
    }

    @Test func `with one queue unknown a pool may grow because of the others, and does not shrink`() {
        var scaler = scaler(queues: ["q", "unknown"])
        #expect(scaler.decide(load(consumers: 2), workers: 2, at: start).reason == .noFigures)
        #expect(scaler.decide(load(4_000, consumers: 2, handled: 100), workers: 2, at: start + .seconds(5)).workers > 2)
    }

    @Test func `a pool grows at once to what the waiting messages need`() {
        var scaler = scaler()
        // One worker handles 100 per second; 200 arrive, and 600 have to be handled within 5 seconds.
        let decision = scaler.decide(load(600, handled: 100, arriving: 200), workers: 1, at: start)
        #expect(decision == .init(workers: 4, reason: .waiting(queue: "q", messages: 600, seconds: 6)))
    }

    @Test func `a pool grows because of depth alone when nothing is handled`() {
        var scaler = scaler()
        #expect(scaler.decide(load(5_500, handled: 0), workers: 1, at: start) == .init(workers: 6, reason: .depth(queue: "q", messages: 5_500)))
        var empty = self.scaler(0...8)
        #expect(empty.decide(load(1, consumers: 0), workers: 0, at: start).workers == 1)
    }

    @Test(arguments: [(20, 0.2), (0, 0), (499, 100.0)])
    func `a batch, or a load within the allowed wait, is no backlog`(messages: Int, handled: Double) {
        var scaler = scaler()
        #expect(scaler.decide(load(messages, handled: handled), workers: 1, at: start) == .init(workers: 1, reason: .minimum))
    }

    @Test func `consumers outside the pool count, because they handle messages too`() {
        var scaler = scaler()
        // Three consumers elsewhere and one here, each with 25 per second: nine are needed, six of them here.
        #expect(scaler.decide(load(600, consumers: 4, handled: 100), workers: 1, at: start).workers == 6)
    }

    @Test func `after a change the pool stays unchanged until its statistics have caught up`() {
        var scaler = scaler()
        let wave = load(600, handled: 100, arriving: 200)
        #expect(scaler.decide(wave, workers: 1, at: start).workers == 4)
        #expect(scaler.decide(wave, workers: 4, at: start + .seconds(14)) == .init(workers: 4, reason: .settling))
        #expect(scaler.decide(load(6_000, consumers: 4, handled: 400, arriving: 200), workers: 4, at: start + .seconds(15)).workers == 8)
    }

    @Test func `a pool shrinks one worker at a time, each after a calm period`() {
        var scaler = scaler()
        var (workers, changes) = (4, [Int]())
        for second in stride(from: 0, through: 400, by: 5) {
            let decision = scaler.decide(load(consumers: workers, handled: 1), workers: workers, at: start + .seconds(second))
            if decision.workers != workers { changes.append(second) }
            #expect(abs(decision.workers - workers) <= 1)
            workers = decision.workers
        }
        #expect(workers == 1)
        // Each takes a calm period, which begins when the previous change has taken effect.
        #expect(changes == [60, 135, 210])
    }

    @Test func `a moment of load restarts the calm period`() {
        var scaler = scaler()
        _ = scaler.decide(load(consumers: 2, handled: 1), workers: 2, at: start)
        #expect(scaler.decide(load(1_500, consumers: 2, handled: 500), workers: 2, at: start + .seconds(55)).reason == .busy(queue: "q"))
        #expect(scaler.decide(load(consumers: 2, handled: 1), workers: 2, at: start + .seconds(60)).workers == 2)
        #expect(scaler.decide(load(consumers: 2, handled: 1), workers: 2, at: start + .seconds(120)).workers == 1)
    }

    @Test func `the last worker ends only when nothing arrives`() {
        var scaler = scaler(0...2)
        _ = scaler.decide(load(handled: 0.2), workers: 1, at: start)
        #expect(scaler.decide(load(handled: 0.2), workers: 1, at: start + .seconds(100)).reason == .busy(queue: "q"))
        _ = scaler.decide(load(), workers: 1, at: start + .seconds(105))
        #expect(scaler.decide(load(), workers: 1, at: start + .seconds(170)).workers == 0)
    }

    /// A queue and its workers, read every five seconds through statistics that are one read old.
    private struct Plant {
        let arriving: Double
        let capacity: Double
        var messages = 0.0
        var workers = 1
        var stale: [String: QueueLoad] = [:]

        mutating func tick(_ seconds: Double) -> [String: QueueLoad] {
            let possible = Double(workers) * capacity
            let handled = min(possible, arriving + messages / seconds)
            messages = max(0, messages + (arriving - handled) * seconds)
            defer { stale = ["q": QueueLoad(messages: Int(messages), consumers: workers, handled: handled, arriving: arriving)] }
            return stale
        }
    }

    @Test(arguments: [0.0, 0.4, 1, 1.2, 1.9, 2, 2.5, 3.1, 4, 5.9, 7.8, 8, 9, 30], [2.0, 50, 1_000])
    func `a steady load leads to a steady, sufficient number of workers within the bounds`(load: Double, capacity: Double) {
        for before in [1, 4, 8] {
            var scaler = scaler()
            var plant = Plant(arriving: load * capacity, capacity: capacity, workers: before)
            var changes: [Int] = []
            for look in 0..<2_000 {
                let loads = plant.tick(5)
                let decision = scaler.decide(loads, workers: plant.workers, at: start + .seconds(look * 5))
                if decision.workers != plant.workers { changes.append(look) }
                plant.workers = decision.workers
                #expect((1...8).contains(plant.workers))
            }
            #expect(changes.allSatisfy { $0 < 400 }, "\(load) × \(capacity) from \(before): \(changes.suffix(5))")
            #expect(load >= 8 ? plant.workers == 8 : Double(plant.workers) >= load, "\(load) × \(capacity) from \(before): \(plant.workers)")
            if load < 8 { #expect(plant.messages <= 5 * plant.arriving + 20, "\(load) × \(capacity): \(plant.messages)") }
        }
    }

    @Test func `a burst makes a pool grow, and shrink to its minimum afterwards`() {
        var scaler = scaler()
        var plant = Plant(arriving: 10, capacity: 50)
        var largest = 1
        for look in 0..<1_000 {
            if look == 10 { plant.messages += 4_000 }
            plant.workers = scaler.decide(plant.tick(5), workers: plant.workers, at: start + .seconds(look * 5)).workers
            largest = max(largest, plant.workers)
        }
        #expect(largest == 8)
        #expect(plant.workers == 1)
    }
}
