import IOThreads
import Synchronization

/// The threads on which imports read and check rows. They have low priority, so that the thread that answers queries, and other processes, do not wait for them. One
/// handles the rows of a step, while the other reads those of the next step. They start with the first import.
final class ImportThreads: Sendable {
    private struct Started {
        let steps: IOThread
        let ahead: IOThread
    }

    private let started = Mutex<Started?>(nil)

    /// Runs `work` on the thread that handles steps; if the system has no room for the threads, on the global executor.
    func step<Result: Sendable>(_ work: () async throws -> Result) async throws -> Result {
        try await withTaskExecutorPreference(start()?.steps.taskExecutor ?? globalConcurrentExecutor, operation: work)
    }

    /// Runs `work` in the same way on the thread that reads ahead.
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
