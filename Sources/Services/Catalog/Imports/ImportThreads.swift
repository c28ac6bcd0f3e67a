import IOThreads
import Synchronization

/// The threads on which imports read and check rows, so that neither the thread that answers queries nor other processes have to wait for them. One handles the rows of a step
/// while the other reads those of the next step. Both have low priority, pause often (`pauseIfNeeded`), and start with the first import.
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

    /// Runs `work` on the thread that reads ahead, without waiting for it. Returns false if the system cannot create the threads.
    func readAhead(_ work: @escaping @Sendable () -> Void) -> Bool {
        guard let ahead = start()?.ahead else { return false }
        ahead.call(work)
        return true
    }

    private func start() -> Started? {
        started.withLock { started in
            if started == nil, let steps = thread("imports"), let ahead = thread("imports-ahead") { started = Started(steps: steps, ahead: ahead) }
            return started
        }
    }

    private func thread(_ name: String) -> IOThread? {
        try? IOThread(named: name, priority: .low)
    }
}
