import Synchronization

/// Runs long computations one after the other, on a thread that yields to all other threads when processors are scarce.
///
/// The thread starts with the first computation that finds none running, and ends when none is left.
public final class BackgroundLine: Sendable {
    /// On two processors that are both fully used by others, a line still gets about a tenth of one.
    public static let niceness: Int32 = 10

    private struct State {
        var waiting: ArraySlice<@Sendable () -> Void> = []
        var isRunning = false
    }

    private let name: String
    private let state = Mutex(State())

    /// - Parameter name: for debuggers and top(1); at most 15 bytes are kept.
    public init(named name: String) {
        self.name = name
    }

    /// Returns the result of `work`. The caller bounds the number of waiting computations. If the system cannot create a thread, the caller's thread runs it.
    public func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            add { continuation.resume(returning: work()) }
        }
    }

    private func add(_ work: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            state.waiting.append(work)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard starts else { return }
        if !startThread(named: name, niceness: Self.niceness, { self.drain() }) { drain() }
    }

    private func drain() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let work = state.waiting.popFirst()
            state.isRunning = work != nil
            return work
        }
    }
}
