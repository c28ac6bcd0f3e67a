import FoundationEssentials
import Messaging
import Runtime
import Synchronization

/// Time that stands still while anything can run, and then jumps to the next moment at which something is due.
public final class SimulatedClock: WallClock {
    private struct Timer {
        let id: UInt64
        let due: Int64
        let action: @Sendable () -> Void
    }

    private struct State {
        /// Microseconds since the start.
        var elapsed: Int64 = 0
        var lastID: UInt64 = 0
        /// The latest due time first; of two due at the same time, the one set later first.
        var timers: [Timer] = []
        var sleepers: [UInt64: CheckedContinuation<Void, any Error>] = [:]

        mutating func insert(id: UInt64, after delay: Duration, _ action: @escaping @Sendable () -> Void) {
            let (seconds, attoseconds) = delay.components
            let due = elapsed + max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
            var low = 0
            var high = timers.count
            while low < high {
                let middle = (low + high) / 2
                if timers[middle].due > due { low = middle + 1 } else { high = middle }
            }
            timers.insert(Timer(id: id, due: due, action: action), at: low)
        }
    }

    private let start: Date
    private let state = Mutex(State())

    public init(start: Date) {
        self.start = start
    }

    public var isSimulated: Bool { true }

    public func now() -> Date {
        start.addingTimeInterval(Double(state.withLock { $0.elapsed }) / 1e6)
    }

    /// Microseconds since the start.
    var elapsed: Int64 { state.withLock { $0.elapsed } }

    public func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard !Task.isCancelled else { return true }
                    state.sleepers[id] = continuation
                    state.insert(id: id, after: duration) { [self] in wake(id, nil) }
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            wake(id, CancellationError())
        }
    }

    /// Runs `action` on the scheduler's thread when `delay` has passed.
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.lastID += 1
            state.insert(id: state.lastID, after: delay, action)
        }
    }

    /// Moves time to the next timer and fires it. False: there is none.
    func fireNext() -> Bool {
        let timer = state.withLock { state in
            let timer = state.timers.popLast()
            if let timer { state.elapsed = max(state.elapsed, timer.due) }
            return timer
        }
        timer?.action()
        return timer != nil
    }

    private func wake(_ id: UInt64, _ error: (any Error)?) {
        let sleeper = state.withLock { state in
            if error != nil { state.timers.removeAll { $0.id == id } }
            return state.sleepers.removeValue(forKey: id)
        }
        if let error { sleeper?.resume(throwing: error) } else { sleeper?.resume() }
    }
}
