import HTTPTypes
import Hummingbird
import Synchronization

/// The faults of one of the sandbox's APIs, as its operator sets them.
final class Faults: Sendable {
    private let injector = Mutex(FaultInjector())

    var settings: FaultSettings {
        get { injector.withLock { $0.settings } }
        set { injector.withLock { $0 = FaultInjector(newValue) } }
    }

    func planRequest() -> FaultPlan { injector.withLock { $0.planRequest() } }
    func planWebhook() -> [Duration] { injector.withLock { $0.planWebhook() } }

    /// Reads, sets and resets them.
    func add(to router: some RouterMethods<SandboxContext>, at path: RouterPath) {
        router.get(path) { [self] _, _ in Response(json: settings.json) }
        router.put(path) { [self] request, _ in
            settings = try FaultSettings(json: try await request.bodyBytes())
            return Response(json: settings.json)
        }
        router.delete(path) { [self] _, _ in
            settings = FaultSettings()
            return Response(status: .noContent)
        }
    }
}
