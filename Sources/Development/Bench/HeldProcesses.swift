import Assembly
import Glibc

/// Processes that are stopped for a while: they keep what they hold, and do nothing.
struct HeldProcesses: Sendable {
    private let ids: [Int32]

    /// Stops the workers of a service until ``letGo()``.
    init(_ service: ServiceName, of shop: RunningShop) {
        ids = shop.processes(of: service.rawValue)
        for id in ids { kill(id, SIGSTOP) }
    }

    /// May be called again.
    func letGo() {
        for id in ids { kill(id, SIGCONT) }
    }
}
