/// Decides how many workers one pool needs, from the load of its queues. It reads no clock and does no I/O: equal calls make equal decisions.
///
/// A pool grows at once to the number that it needs, and shrinks by one worker at a time after a calm period. A worker's capacity is measured while a backlog keeps it busy.
/// The measured capacity determines whether the load would still fit with one worker fewer, so a steady load leads to a steady number of workers. Without statistics,
/// only the bounds are applied.
package struct PoolScaler: Sendable {
    package struct Decision: Sendable, Equatable {
        package let workers: Int
        package let reason: ScalingReason
    }

    package let queues: [String]
    package let bounds: ClosedRange<Int>
    private let goals: ScalingGoals
    /// Messages per second that one consumer of a queue handles when it is never idle.
    private var capacities: [String: Double] = [:]
    private var calmSince: ContinuousClock.Instant?
    private var changedAt: ContinuousClock.Instant?

    package init(queues: [String], bounds: ClosedRange<Int>, goals: ScalingGoals) {
        self.queues = queues
        self.bounds = bounds
        self.goals = goals
    }

    /// - Parameters:
    ///   - loads: The loads of the broker's queues; a missing one is unknown.
    ///   - workers: The number of workers that this pool has now.
    /// - Returns: The number of workers that it should have.
    package mutating func decide(_ loads: [String: QueueLoad], workers: Int, at now: ContinuousClock.Instant) -> Decision {
        guard bounds.contains(workers) else { return change(to: min(max(workers, bounds.lowerBound), bounds.upperBound), .bounds(bounds), now) }
        if let changedAt, now - changedAt < goals.settling { return Decision(workers: workers, reason: .settling) }
        let known = queues.compactMap { name in loads[name].map { (name, $0) } }
        for (queue, load) in known { learn(queue, load) }
        if let need = known.map({ need($0, $1, workers) }).max(by: { $0.workers < $1.workers }), need.workers > workers {
            calmSince = nil
            guard workers < bounds.upperBound else { return Decision(workers: workers, reason: .full(needed: need.workers)) }
            return change(to: min(need.workers, bounds.upperBound), need.reason, now)
        }
        guard known.count == queues.count else {
            calmSince = nil
            return Decision(workers: workers, reason: .noFigures)
        }
        guard workers > bounds.lowerBound else { return Decision(workers: workers, reason: .minimum) }
        if let (queue, _) = known.first(where: { !fitsOneLess($0, $1, workers) }) {
            calmSince = nil
            return Decision(workers: workers, reason: .busy(queue: queue))
        }
        let since = calmSince ?? now
        calmSince = since
        guard now - since >= goals.calm else { return Decision(workers: workers, reason: .calming(now - since)) }
        return change(to: workers - 1, .calm(now - since), now)
    }

    private mutating func change(to workers: Int, _ reason: ScalingReason, _ now: ContinuousClock.Instant) -> Decision {
        changedAt = now
        calmSince = nil
        return Decision(workers: workers, reason: reason)
    }

    /// Only a consumer that is never idle shows its capacity. At other times its rate is that of the arrivals, which is a lower bound.
    private mutating func learn(_ queue: String, _ load: QueueLoad) {
        guard load.consumers > 0, load.handled > 0 else { return }
        let rate = load.handled / Double(load.consumers)
        // The two conditions under which a pool grows. Either one means that its consumers are never idle.
        if wait(load, at: load.handled) > goals.wait || load.messages > goals.depth * load.consumers {
            capacities[queue] = rate
        } else if let capacity = capacities[queue] {
            capacities[queue] = max(capacity, rate)
        }
    }

    /// Seconds until the messages that the queue holds now are handled; 0 without a backlog or a rate.
    private func wait(_ load: QueueLoad, at rate: Double) -> Double {
        guard load.messages > ScalingGoals.smallestBacklog * max(1, load.consumers), rate > 0 else { return 0 }
        return Double(load.messages) / rate
    }

    private func need(_ queue: String, _ load: QueueLoad, _ workers: Int) -> Decision {
        // Consumers that are not in this pool, such as workers on other machines.
        let others = max(0, load.consumers - workers)
        var all = (load.messages + goals.depth - 1) / goals.depth
        var reason = ScalingReason.depth(queue: queue, messages: load.messages)
        let capacity = max(capacities[queue] ?? 0, load.consumers > 0 ? load.handled / Double(load.consumers) : 0)
        let wait = wait(load, at: capacity * Double(load.consumers))
        if wait > goals.wait {
            // Enough for the arrivals, and for the backlog within the time that a message may wait.
            let wanted = (load.arriving + Double(load.messages) / goals.wait) / capacity
            let needed = max(load.consumers + 1, Int(min(wanted, Double(Int32.max)).rounded(.up)))
            if needed >= all { (all, reason) = (needed, .waiting(queue: queue, messages: load.messages, seconds: wait)) }
        }
        return Decision(workers: max(0, all - others), reason: reason)
    }

    private func fitsOneLess(_ queue: String, _ load: QueueLoad, _ workers: Int) -> Bool {
        let rest = max(workers, load.consumers) - 1
        let arriving = max(load.handled, load.arriving)
        guard rest > 0 else { return load.messages == 0 && arriving == 0 }
        guard load.messages <= goals.depth * rest else { return false }
        guard let capacity = capacities[queue] else { return true }
        return arriving <= ScalingGoals.fullest * capacity * Double(rest)
    }
}
