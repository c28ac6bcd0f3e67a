import IOThreads
import Synchronization

/// The threads on which imports read and check rows, at low priority: the thread that answers queries, and other processes, need not wait for them. One handles the
/// rows of a step, the other one meanwhile reads those of the next. They start with the first import.
final class ImportThreads: Sendable {
    private struct Started {
        let steps: IOThread
        let ahead: IOThread
    }

    private let started = Mutex<Started?>(nil)

    /// Runs `work` on the thread of the steps; where the system has no room for threads, on those of all tasks.
    func step<Result: Sendable>(_ work: () async throws -> Result) async throws -> Result {
        try await withTaskExecutorPreference(start()?.steps.taskExecutor ?? globalConcurrentExecutor, operation: work)
    }

    /// The same on the thread that reads ahead.
    func readAhead<Result: Sendable>(_ work: () async -> Result) async -> Result {
        await withTaskExecutorPreference(start()?.ahead.taskExecutor ?? globalConcurrentExecutor, operation: work)
    }

    private func start() -> Started? {
        started.withLock { started in
            if started == nil, let steps = thread("imports"), let ahead = thread("imports-ahead") { started = Started(steps: steps, ahead: ahead) }
            return started
        }
    }

    private func thread(_ name: String) -> IOThread? {
        try? IOThread(named: name, niceness: BackgroundThreads.niceness)
    }
}
