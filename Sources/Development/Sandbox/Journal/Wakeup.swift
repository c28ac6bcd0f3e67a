import Synchronization

/// Lets one task rest until there is something to do.
///
/// A signal is never lost: given while no task waits, it ends the next wait at once. Signals are not counted, and a wait
/// may end without one, so the waiter checks its condition again.
final class Wakeup: Sendable {
    private enum State {
        case idle
        case signalled
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    func signal() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let waiter) = state else {
                state = .signalled
                return nil
            }
            state = .idle
            return waiter
        }
        waiter?.resume()
    }

    /// Returns at a signal, or when the task is cancelled. For one waiter at a time.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let finished = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    switch state {
                    case .idle:
                        state = .waiting(continuation)
                        return nil
                    case .signalled:
                        state = .idle
                        return continuation
                    case .waiting(let former):
                        state = .waiting(continuation)
                        return former
                    }
                }
                finished?.resume()
            }
        } onCancel: {
            signal()
        }
    }

    /// The same, but no longer than until `deadline`; nil waits for ever.
    func wait(until deadline: ContinuousClock.Instant?) async {
        guard let deadline else { return await wait() }
        await withTaskGroup { group in
            group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
