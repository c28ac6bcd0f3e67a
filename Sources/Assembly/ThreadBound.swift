import IOThreads
import ServiceLifecycle

/// A service whose tasks run on the thread of the connections that they use: messages are handled and answered without waking another thread.
/// A role's process thus has one thread; more load is served by more processes.
struct ThreadBound: Service {
    let service: any Service
    let thread: IOThread
    /// Returns when the service may start; nil for a service that starts at once. A shutdown ends the wait without starting the service.
    var start: (@Sendable () async throws -> Void)?

    func run() async throws {
        try await withTaskExecutorPreference(thread.taskExecutor) {
            if let start {
                let hasStarted = (try? await cancelWhenGracefulShutdown { try await start() }) != nil
                guard hasStarted, !Task.isShuttingDownGracefully else { return }
            }
            try await service.run()
        }
    }
}
