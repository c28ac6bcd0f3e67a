import Messaging
public import Runtime

public import struct FoundationEssentials.Date

/// The machine's own time.
public struct SystemClock: WallClock {
    public init() {}

    public func now() -> Date { Date() }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }
}
