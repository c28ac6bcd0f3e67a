import Runtime
import Synchronization

/// Lets callers run one at a time, in the order in which they asked.
final class Turns: Sendable {
    private typealias Waiter = CheckedContinuation<Void, any Error>

    private struct State {
        var lastTicket: UInt64 = 0
        /// In the order in which the callers asked; the first one has its turn.
        var tickets: [UInt64] = []
        var waiters: [UInt64: Waiter] = [:]
    }

    private let state = Mutex(State())

    /// Callers that have their turn or wait for it.
    var unfinished: Int { state.withLock { $0.tickets.count } }

    /// Runs `body` when all earlier callers have ended.
    /// - Returns: nil if the turn has not come within `limit`.
    func take<Result>(within limit: Duration, by clock: any WallClock, _ body: () async throws -> Result) async throws -> Result? {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            state.tickets.append(state.lastTicket)
            return state.lastTicket
        }
        defer { end(ticket) }
        return try await comes(ticket, within: limit, by: clock) ? try await body() : nil
    }

    private func comes(_ ticket: UInt64, within limit: Duration, by clock: any WallClock) async throws -> Bool {
        if state.withLock({ $0.tickets.first == ticket }) { return true }
        return try await clock.within(limit) { try await self.wait(ticket) } != nil
    }

    private func wait(_ ticket: UInt64) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.tickets.first == ticket { return .success(()) }
                    // Within the lock: a cancellation from here on finds the waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[ticket] = waiter
                    return nil
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume(throwing: CancellationError())
        }
    }

    /// Ends a turn, or gives it up before it has come.
    private func end(_ ticket: UInt64) {
        let next = state.withLock { state in
            state.tickets.removeAll { $0 == ticket }
            return state.tickets.first.flatMap { state.waiters.removeValue(forKey: $0) }
        }
        next?.resume()
    }
}
