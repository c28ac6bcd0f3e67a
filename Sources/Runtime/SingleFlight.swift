import Synchronization

/// Concurrent callers with the same question share one query.
///
/// All of them get its error. A cancellation affects only the cancelled caller: when it is the one that asks, the next waiter asks in its place.
package final class SingleFlight<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    /// Resumed with nil when there is nothing left to wait for.
    private typealias Waiter = CheckedContinuation<Answer?, any Error>

    private struct State {
        /// Callers that wait for the answer to another caller's query.
        var waiters: [Question: [UInt64: Waiter]] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// How many callers wait for the answer to another caller's query. No more than there are requests under way.
    package var waiting: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }

    /// What `ask` has answered, to this caller or to the one who is asking already.
    package func answer(_ question: Question, _ ask: () async throws -> Answer) async throws -> Answer {
        while true {
            let isFirst = state.withLock { state in
                guard state.waiters[question] == nil else { return false }
                state.waiters[question] = [:]
                return true
            }
            if isFirst { return try await lead(question, ask) }
            if let answer = try await wait(for: question) { return answer }
        }
    }

    private func lead(_ question: Question, _ ask: () async throws -> Answer) async throws -> Answer {
        do {
            let answer = try await ask()
            for waiter in finish(question) { waiter.resume(returning: answer) }
            return answer
        } catch {
            let isOwn = error is CancellationError || Task.isCancelled
            for waiter in finish(question) { waiter.resume(with: isOwn ? .success(nil) : .failure(error)) }
            throw error
        }
    }

    private func finish(_ question: Question) -> [Waiter] {
        state.withLock { ($0.waiters.removeValue(forKey: question) ?? [:]).map(\.value) }
    }

    private func wait(for question: Question) async throws -> Answer? {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let refusal: Result<Answer?, any Error>? = state.withLock { state in
                    // Within the lock: a cancellation from here on finds the waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.waiters[question]?.updateValue(waiter, forKey: id) == nil, state.waiters[question] != nil else { return .success(nil) }
                    return nil
                }
                if let refusal { waiter.resume(with: refusal) }
            }
        } onCancel: {
            state.withLock { $0.waiters[question]?.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }
}
