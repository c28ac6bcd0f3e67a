import Synchronization

/// Measures the longest time without an accepted order between a beginning and an end, the times before the first and after the last order included.
final class Pauses: Sendable {
    fileprivate struct State {
        var last: ContinuousClock.Instant?
        var longest = Duration.zero
        var count = 0
        var isOver = false
    }

    private let state = Mutex(State())

    var isOver: Bool { state.withLock { $0.isOver } }

    func begin(at time: ContinuousClock.Instant = .now) { state.withLock { $0 = State(last: time) } }

    /// Does nothing before the beginning and after the end.
    func accepted(at time: ContinuousClock.Instant = .now) {
        state.withLock { state in
            guard state.last != nil else { return }
            state.count += 1
            state.reach(time)
        }
    }

    /// - Returns: the longest time without an accepted order, and the number of accepted orders.
    func end(at time: ContinuousClock.Instant = .now) -> (longest: Duration, accepted: Int) {
        state.withLock { state in
            state.reach(time)
            (state.last, state.isOver) = (nil, true)
            return (state.longest, state.count)
        }
    }
}

extension Pauses.State {
    fileprivate mutating func reach(_ time: ContinuousClock.Instant) {
        guard let last, time > last else { return }
        longest = max(longest, time - last)
        self.last = time
    }
}
