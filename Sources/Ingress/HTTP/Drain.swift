import Synchronization

/// Records that an ingress is about to stop. The ingress then still serves every request, but reports that it is not ready, so that gateways use other processes.
public final class Drain: Sendable {
    private let isOn = Atomic(false)

    init() {}

    public var hasBegun: Bool { isOn.load(ordering: .acquiring) }

    public func begin() { isOn.store(true, ordering: .releasing) }
}
