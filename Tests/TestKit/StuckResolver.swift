import Dispatch
import IOThreads

/// A resolver that blocks on some names until they are released, as the system's resolver does if no name server answers.
package final class StuckResolver: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    package let lookup: HostLookup

    /// - Parameter names: those to block on; every other name has the address 192.0.2.1, which is reserved for documentation.
    package init(names: Set<String>) {
        lookup = HostLookup { [gate] host in
            guard names.contains(host) else { return .success(["192.0.2.1"]) }
            gate.wait()
            gate.signal()
            return .success(["192.0.2.1"])
        }
    }

    package func release() { gate.signal() }
}
