import Synchronization

/// An order that is followed until it settles.
package struct FollowedOrder: Sendable {
    static let firstPause = Duration.milliseconds(50)
    static let longestPause = Duration.seconds(1)

    package let order: PlacedOrder
    /// When it is next polled.
    private(set) var dueAt: ContinuousClock.Instant
    package private(set) var pause = firstPause

    package init(_ order: PlacedOrder, now: ContinuousClock.Instant) {
        self.order = order
        dueAt = now + pause
    }

    /// It was polled and had not settled.
    mutating func postpone(now: ContinuousClock.Instant) {
        pause = min(pause * 2, Self.longestPause)
        dueAt = now + pause
    }
}

/// Hands accepted orders to the followers, first come, first served. Holds no more than the orders of the run.
package final class FollowQueue: Sendable {
    private struct State {
        var orders: [FollowedOrder] = []
        /// Where the queue begins in `orders`; entries before it are gone.
        var head = 0
        var waiting: [CheckedContinuation<FollowedOrder?, Never>] = []
        var isFinished = false

        mutating func popFirst() -> FollowedOrder? {
            guard head < orders.count else { return nil }
            defer { compact() }
            head += 1
            return orders[head - 1]
        }

        private mutating func compact() {
            guard head > 64, head * 2 > orders.count else { return }
            orders.removeFirst(head)
            head = 0
        }
    }

    private let state = Mutex(State())

    package init() {}

    package func put(_ order: FollowedOrder) {
        let taker = state.withLock { state -> CheckedContinuation<FollowedOrder?, Never>? in
            if let taker = state.waiting.popLast() { return taker }
            state.orders.append(order)
            return nil
        }
        taker?.resume(returning: order)
    }

    /// Waits for an order; nil when there is none and none will come.
    func take() async -> FollowedOrder? {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> FollowedOrder?? in
                if let order = state.popFirst() { return .some(order) }
                if state.isFinished { return .some(nil) }
                state.waiting.append(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Puts a slow order behind all others and returns the first of them; the same order when there is no other.
    func exchange(_ order: FollowedOrder) -> FollowedOrder {
        state.withLock { state in
            guard let first = state.popFirst() else { return order }
            state.orders.append(order)
            return first
        }
    }

    /// Announces that no new order will come; waiting followers get nil.
    package func finish() {
        let waiting = state.withLock { state in
            state.isFinished = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for taker in waiting { taker.resume(returning: nil) }
    }
}
