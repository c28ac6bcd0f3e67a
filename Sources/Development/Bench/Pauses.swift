import Synchronization

/// Measures the times without an accepted order between a beginning and an end, including those before the first and after the last order.
final class Pauses: Sendable {
    struct Found: Sendable {
        fileprivate(set) var longest = Duration.zero
        /// The number of pauses that were longer than ``Pauses/tolerated``.
        fileprivate(set) var long = 0
        fileprivate(set) var orders = 0
    }

    /// The goal of the case growth: no pause is longer.
    static let tolerated = Duration.milliseconds(100)

    fileprivate struct State {
        var last: ContinuousClock.Instant?
        var found = Found()
        var isOver = false
    }

    private let state = Mutex(State())

    var isOver: Bool { state.withLock { $0.isOver } }

    func begin(at time: ContinuousClock.Instant = .now) { state.withLock { $0 = State(last: time) } }

    /// Does nothing before the beginning and after the end.
    func accepted(at time: ContinuousClock.Instant = .now) {
        state.withLock { state in
            guard state.last != nil else { return }
            state.found.orders += 1
            state.reach(time)
        }
    }

    func end(at time: ContinuousClock.Instant = .now) -> Found {
        state.withLock { state in
            state.reach(time)
            (state.last, state.isOver) = (nil, true)
            return state.found
        }
    }
}

extension Pauses.State {
    fileprivate mutating func reach(_ time: ContinuousClock.Instant) {
        guard let last, time > last else { return }
        found.longest = max(found.longest, time - last)
        if time - last > Pauses.tolerated { found.long += 1 }
        self.last = time
    }
}
