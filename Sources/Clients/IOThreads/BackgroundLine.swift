import Synchronization

/// Runs long computations one after the other, on a thread of its own.
///
/// The thread starts with the first computation that finds none running, and ends when none is left. It runs the first at normal priority. Those that gather behind it run at low priority: a
/// flood of them then leaves the processors to all other threads, while a single one takes no longer than usual on a machine that is busy with something else.
public final class BackgroundLine: Sendable {
    /// Of a computation that had to wait, as in nice(1). On two processors that are both fully used by others, a line still gets about a tenth of one.
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

    /// Computations behind the one that runs.
    var waitingCount: Int { state.withLock(\.waiting.count) }

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
        if !startThread(named: name, { self.drain(isOwnThread: true) }) { drain(isOwnThread: false) }
    }

    private func drain(isOwnThread: Bool) {
        next()?()
        guard let work = next() else { return }
        if isOwnThread { lowerPriority(to: Self.niceness) }
        work()
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
