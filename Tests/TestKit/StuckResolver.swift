import Dispatch
import IOThreads

/// Looks names up in a table; those whose name server does not answer keep their thread until they are released, as the system's resolver would.
package final class StuckResolver: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    package let lookup: HostLookup

    /// - Parameter names: without an answer; every other name has the address 192.0.2.1, which is nobody's.
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
