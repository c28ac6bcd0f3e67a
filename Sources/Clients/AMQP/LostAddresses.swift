import Synchronization

/// The addresses at which this process has recently lost a connection or got no answer, shared so that other connections do not wait for the same node. A node that
/// is frozen still accepts connections, and each that tries it waits for its timeout.
struct LostAddresses: ~Copyable, Sendable {
    /// How long an address is tried last: until a frozen node is back, or given up by its cluster.
    static let memory: Duration = .seconds(30)
    /// More than any cluster has.
    static let maximumCount = 256

    static let ofProcess = LostAddresses()

    private let times = Mutex<[BrokerAddress: ContinuousClock.Instant]>([:])

    func add(_ address: BrokerAddress, at now: ContinuousClock.Instant = .now) {
        times.withLock { times in
            if times.count >= Self.maximumCount { times = times.filter { now - $0.value < Self.memory } }
            if times.count < Self.maximumCount { times[address] = now }
        }
    }

    func remove(_ address: BrokerAddress) {
        times.withLock { _ = $0.removeValue(forKey: address) }
    }

    func current(at now: ContinuousClock.Instant = .now) -> Set<BrokerAddress> {
        times.withLock { times in Set(times.filter { now - $0.value < Self.memory }.keys) }
    }
}
