import IOThreads
import ServiceLifecycle

/// A service whose tasks run on the thread of the connections that they use: what arrives is handled and answered without waking another thread.
/// A process of a role is so one thread's worth of work; more work is for more processes.
struct ThreadBound: Service {
    let service: any Service
    let thread: IOThread

    func run() async throws {
        try await withTaskExecutorPreference(thread.taskExecutor) { try await service.run() }
    }
}
