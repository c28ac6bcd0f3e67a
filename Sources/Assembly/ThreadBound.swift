import IOThreads
import ServiceLifecycle

/// A service whose tasks run on the thread of the connections that they use: messages are handled and answered without waking another thread.
/// A role's process thus has one thread; more load is served by more processes.
struct ThreadBound: Service {
    let service: any Service
    let thread: IOThread

    func run() async throws {
        try await withTaskExecutorPreference(thread.taskExecutor) { try await service.run() }
    }
}
