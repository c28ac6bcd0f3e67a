import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Time as the program sees it. Nothing below `wharf` reads a clock or sleeps in any other way,
/// so that a run can be given a clock of its own.
public protocol WallClock: Sendable {
    func now() -> Date
    /// Whether the time is one of its own, as in a simulation, which no server knows of.
    var isSimulated: Bool { get }
    /// Returns when `duration` has passed; throws `CancellationError` when the task is cancelled first.
    func sleep(for duration: Duration) async throws
}

/// Chance as the program sees it; seeded where a run must be repeatable.
public protocol Randomness: Sendable {
    /// A version 4 UUID.
    func uuid() -> UUID
    /// Uniform in `0 ..< 1`.
    func fraction() -> Double
}

extension WallClock {
    public var isSimulated: Bool { false }

    /// Runs `body`, but no longer than `limit`: past it the body is cancelled and nil is returned.
    public func within<T: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> T
    ) async throws -> T? {
        try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
