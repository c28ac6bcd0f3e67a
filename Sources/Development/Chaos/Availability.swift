import Operations
import Runtime
import Synchronization

/// When customers had success: an outage as seen from outside.
final class Availability: Sendable {
    private struct State {
        var lastSuccess = ContinuousClock.now
        var longestGap = Duration.zero
        /// Waiters for the next success.
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let state = Mutex(State())

    /// A customer's order was accepted just now.
    func succeed() {
        let waiting = state.withLock { state in
            let now = ContinuousClock.now
            state.longestGap = max(state.longestGap, now - state.lastSuccess)
            state.lastSuccess = now
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.finish() }
    }

    /// Discards the gaps before now; the one that is open counts from its beginning.
    func beginWindow() {
        state.withLock { $0.longestGap = .zero }
    }

    /// The longest time without any success since the window began, the open gap included.
    var longestGap: Duration {
        state.withLock { max($0.longestGap, .now - $0.lastSuccess) }
    }

    /// Waits for a success from now on.
    /// - Returns: false when none came within `limit`.
    /// - Throws: `CancellationError`.
    func awaitSuccess(within limit: Duration) async throws -> Bool {
        let (never, continuation) = AsyncStream<Never>.makeStream()
        state.withLock { $0.waiting.append(continuation) }
        let success: Void? = try await SystemClock().within(limit) {
            for await _ in never {}
            try Task.checkCancellation()
        }
        return success != nil
    }
}
