import FoundationEssentials
import Terminal

/// Checkouts that go on while something else is done to the database.
struct SteadyCheckouts: Sendable {
    /// How long the checkouts run before the measurement begins.
    private static let start = Duration.seconds(2)
    /// The number of carts that a customer fills at a time.
    private static let atOnce = 50

    let carts: PreparedCarts
    let customers: BenchCustomers

    /// - Returns: the longest time for which no order was accepted while `body` ran, the number of accepted orders, and what `body` returned.
    func during<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> (longest: Duration, accepted: Int, result: Result) {
        let pauses = Pauses()
        // Different numbers, so that customers do not fill their next carts all at the same time.
        let counts = (1...customers.count).map { $0 * Self.atOnce / customers.count }
        var first = try await carts.fill(counts.reduce(0, +))
        return try await withThrowingTaskGroup(of: (longest: Duration, accepted: Int, result: Result)?.self) { group in
            for count in counts {
                let own = Array(first.suffix(count))
                first.removeLast(count)
                group.addTask {
                    var full = own
                    while !pauses.isOver {
                        if full.isEmpty { full = try await carts.fill(Self.atOnce) }
                        guard let cart = full.popLast() else { continue }
                        try await customers.checkOut(cart)
                        pauses.accepted()
                    }
                    return nil
                }
            }
            group.addTask {
                try await Task.sleep(for: Self.start)
                pauses.begin()
                let result = try await body()
                let (longest, accepted) = pauses.end()
                return (longest, accepted, result)
            }
            var measured: (longest: Duration, accepted: Int, result: Result)?
            while let ended = try await group.next() { measured = ended ?? measured }
            guard let measured else { throw BenchError(.failed, "The checkouts ended before anything was measured.") }
            return measured
        }
    }
}
