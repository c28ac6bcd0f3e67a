import FoundationEssentials

/// The state machine of jobs: `(course, event) → (course, actions)`. After an event that leads to no action there is no further step.
extension JobCourse {
    /// Outcomes after which a replay goes on at the next rate.
    static let outcomesAtStage = 20
    /// Seconds after which it does so with fewer outcomes, but at least `leastOutcomes`.
    static let longestStage = 60.0
    static let leastOutcomes = 5
    /// Outcomes that are judged together at the last rate.
    static let outcomesAtLastStage = 100
    /// The maximum of replays without a known outcome. At this number a job waits, so that an unavailable service is not sent all letters at once.
    static let maximumPending = 1_000
    /// Seconds of unused rate that a replay may catch up on.
    static let longestBurst = 2.0
    /// Letters in one transaction: those of a replay, with their bodies, and those of other jobs.
    static let maximumReplayed = 200
    static let maximumDecided = 1_000
    /// Seconds between two steps of a replay, and between two checks of outcomes.
    static let tick = 0.5
    static let look = 2.0

    mutating func handle(_ event: JobEvent, of order: JobOrder, at now: Date) -> [JobAction] {
        switch (state, event) {
        case (_, .learned(let new)):
            outcomes = outcomes + new
            if state == .running { judge(new, order, now) }
            return []
        case (.running, .due): return turn(order, now)
        case (.running, .selected(let count, let position)) where phase == .selecting:
            selected += count
            self.position = position
            if position == nil { begin(order, now) }
            return [.proceed]
        case (.running, .acted(let done, let skipped)) where phase == .acting:
            sent += done
            skips.merge(skipped, uniquingKeysWith: +)
            return goOn(order, done: done, skipped: skipped.values.reduce(0, +), now)
        case (.running, .cancelled), (.stopped, .cancelled):
            (state, finishedAt, reason) = (.cancelled, now, nil)
            return rest(order)
        case (.stopped, .resumed):
            (state, reason) = (.running, nil)
            begin(order, now)
            return [.proceed]
        case (.stopped, .due), (.cancelled, .due): return rest(order)
        default: return []
        }
    }

    /// Begins to act, at the first rate.
    private mutating func begin(_ order: JobOrder, _ now: Date) {
        phase = .acting
        stage = 0
        window = Window(since: now)
        paidUntil = now.addingTimeInterval(-1 / rate(order))
    }

    private mutating func turn(_ order: JobOrder, _ now: Date) -> [JobAction] {
        if phase == .selecting { return [.select] }
        guard remaining > 0 else { return follow(order, now) }
        guard order.action == .replay else { return [.act(limit: min(remaining, Self.maximumDecided))] }
        let elapsed = min(now.timeIntervalSince(paidUntil), Self.longestBurst)
        // The clock's times are not exact multiples of the rate's.
        let allowance = Int(max(0, elapsed * rate(order) + 0.001))
        let limit = min(allowance, remaining, Self.maximumReplayed, Self.maximumPending - pending(of: order))
        return limit > 0 ? [.act(limit: limit)] : [.wait(Self.tick)]
    }

    private mutating func goOn(_ order: JobOrder, done: Int, skipped: Int, _ now: Date) -> [JobAction] {
        let earliest = now.addingTimeInterval(-Self.longestBurst)
        paidUntil = max(paidUntil, earliest).addingTimeInterval(Double(done) / rate(order))
        guard remaining > 0 else { return follow(order, now) }
        // If nothing could be done, other transactions hold the letters.
        return done + skipped == 0 || order.action == .replay && done > 0 ? [.wait(Self.tick)] : [.proceed]
    }

    private mutating func follow(_ order: JobOrder, _ now: Date) -> [JobAction] {
        phase = .following
        guard pending(of: order) == 0 else { return [.wait(Self.look)] }
        (state, finishedAt) = (.finished, now)
        return []
    }

    /// Outcomes become known after the end, too.
    private func rest(_ order: JobOrder) -> [JobAction] {
        pending(of: order) > 0 ? [.wait(Self.look)] : []
    }

    /// Stops when too many have died again; otherwise the next rate begins when this one has had enough outcomes.
    private mutating func judge(_ new: JobOutcomes, _ order: JobOrder, _ now: Date) {
        window.outcomes = window.outcomes + new
        guard phase == .acting, remaining > 0 else { return }
        let isLast = stage >= order.rates.count - 1
        let size = isLast ? Self.outcomesAtLastStage : Self.outcomesAtStage
        let isOver = now.timeIntervalSince(window.since) >= Self.longestStage && window.outcomes.count >= Self.leastOutcomes
        let judged = isOver ? min(size, window.outcomes.count) : size
        if Double(window.outcomes.diedAgain) > order.stopShare * Double(min(judged, selected)) {
            state = .stopped
            reason = "\(window.outcomes.diedAgain) of the last \(window.outcomes.count) letters died again"
        } else if isOver || window.outcomes.count >= size {
            if !isLast { stage += 1 }
            window = Window(since: now)
        }
    }

    /// Letters a second.
    func rate(_ order: JobOrder) -> Double {
        Double(max(1, stage < order.rates.count ? order.rates[stage] : order.rates.last ?? 1))
    }
}
