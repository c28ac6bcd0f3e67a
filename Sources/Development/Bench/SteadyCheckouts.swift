import FoundationEssentials
import Terminal
import WebClient

/// Checkouts that go on while something else is done to the database.
struct SteadyCheckouts: Sendable {
    struct Measured<Result: Sendable>: Sendable {
        let pauses: Pauses.Found
        let length: Duration
        /// What the other work returned.
        let result: Result
    }

    /// How long the checkouts run before the measurement begins.
    private static let start = Duration.seconds(2)
    /// The number of carts that a customer fills at a time.
    private static let atOnce = 50

    let carts: PreparedCarts
    let customers: BenchCustomers

    /// Measures the pauses while `body` runs. If it ends earlier, the measurement continues until `shortest` has passed.
    func during<Result: Sendable>(atLeast shortest: Duration, _ body: @escaping @Sendable () async throws -> Result) async throws -> Measured<Result> {
        let pauses = Pauses()
        // Different numbers, so that customers do not fill their next carts all at the same time.
        let counts = (1...customers.count).map { $0 * Self.atOnce / customers.count }
        var first = try await carts.fill(counts.reduce(0, +))
        return try await withThrowingTaskGroup(of: Measured<Result>?.self) { group in
            for count in counts {
                let own = Array(first.suffix(count))
                first.removeLast(count)
                group.addTask {
                    var full = own
                    while !pauses.isOver {
                        if full.isEmpty { full = try await carts.fill(Self.atOnce) }
                        guard let cart = full.last else { continue }
                        do {
                            try await customers.checkOut(cart)
                            full.removeLast()
                            pauses.accepted()
                        } catch let error as WebClientError where error.code == .timedOut || error.code == .connectionLost {
                            // This counts as a pause. The next attempt has the same idempotency key.
                        }
                    }
                    return nil
                }
            }
            group.addTask {
                try await Task.sleep(for: Self.start)
                let begin = ContinuousClock.now
                pauses.begin(at: begin)
                let result = try await body()
                try await Task.sleep(until: begin + shortest)
                let end = ContinuousClock.now
                return Measured(pauses: pauses.end(at: end), length: end - begin, result: result)
            }
            var measured: Measured<Result>?
            while let ended = try await group.next() { measured = ended ?? measured }
            guard let measured else { throw BenchError(.failed, "The checkouts ended before anything was measured.") }
            return measured
        }
    }
}
