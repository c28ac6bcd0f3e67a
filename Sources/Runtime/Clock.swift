import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Time as the program sees it. Nothing below `wharf` reads a clock or sleeps in any other way,
/// so that a run can be given its own clock.
public protocol WallClock: Sendable {
    func now() -> Date
    /// Whether this is a clock of its own, as in a simulation, which no server shares.
    var isSimulated: Bool { get }
    /// Returns when `duration` has passed; throws `CancellationError` when the task is cancelled first.
    func sleep(for duration: Duration) async throws
}

/// Randomness as the program sees it; seeded where a run must be repeatable.
public protocol Randomness: Sendable {
    /// A version 4 UUID.
    func uuid() -> UUID
    /// Uniform in `0 ..< 1`.
    func fraction() -> Double
}

extension WallClock {
    public var isSimulated: Bool { false }

    /// Runs `body` for no longer than `limit`: after that the body is cancelled and the function returns nil.
    public func within<T: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> T
    ) async throws -> T? {
        try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                // Lets a body that ends at once cancel this task before it sets a timer, which would wake other threads.
                await Task.yield()
                try await sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
