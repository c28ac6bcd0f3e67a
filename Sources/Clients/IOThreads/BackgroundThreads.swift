import Synchronization

/// Runs long computations on threads of its own, a few at once.
///
/// A thread starts when a computation arrives for which there is room, and ends when none is left. ``BackgroundPlan`` decides how many run, and at which priority: a flood of
/// computations leaves a processor to all other threads, while a single one takes no longer than usual on a machine that is busy with something else.
public final class BackgroundThreads: Sendable {
    /// The niceness of a computation at low priority, added to that of its process, as in nice(1). On processors that are fully used by others, such a computation
    /// still gets about a tenth of one.
    public static let niceness: Int32 = 10

    private struct State {
        var plan: BackgroundPlan
        var waiting: ArraySlice<@Sendable () -> Void> = []
    }

    private let name: String
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameters:
    ///   - name: for debuggers and top(1); at most 15 bytes are kept.
    ///   - most: the number of computations that run at once.
    ///   - mostInCrowd: the same from when more than `most` are waiting until none is left.
    public init(named name: String, most: Int, mostInCrowd: Int) {
        self.name = name
        state = Mutex(State(plan: BackgroundPlan(most: most, mostInCrowd: mostInCrowd)))
    }

    /// Computations behind those that run.
    var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Returns the result of `work`. The caller bounds the number of waiting computations. If the system cannot create a thread, the caller's thread runs it.
    public func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            add { continuation.resume(returning: work()) }
        }
    }

    private func add(_ work: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.waiting.append(work)
            return state.plan.arrive()
        }
        guard needsThread else { return }
        if !startThread(named: name, { self.drain(isOwnThread: true) }) { drain(isOwnThread: false) }
    }

    private func drain(isOwnThread: Bool) {
        var previous: BackgroundPlan.Priority?
        while let (work, priority) = next(after: previous) {
            // A thread cannot raise its priority again, so only its first computation can run at normal priority.
            if priority == .low, previous != .low, isOwnThread { lowerPriority(by: Self.niceness) }
            previous = priority
            work()
        }
    }

    private func next(after previous: BackgroundPlan.Priority?) -> (work: @Sendable () -> Void, priority: BackgroundPlan.Priority)? {
        let now = ContinuousClock.now - start
        return state.withLock { state in
            guard let priority = state.plan.next(after: previous, at: now), let work = state.waiting.popFirst() else { return nil }
            // The slice keeps what it has handed out, which may hold a password.
            if state.waiting.isEmpty { state.waiting = [] }
            return (work, priority)
        }
    }
}
