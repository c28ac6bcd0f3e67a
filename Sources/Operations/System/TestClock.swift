public import FoundationEssentials
public import Runtime
import Synchronization

/// A clock that can be advanced, for tests of what takes days. It is the system's clock, ahead by the number of seconds in a file
/// that all roles of a shop share. Only ``Settings`` creates one, and only if every server is on this machine.
public struct TestClock: WallClock {
    /// The longest time until a process notices that the file has changed.
    public static let staleness = Duration.milliseconds(100)
    /// The seconds by which it can be ahead: up to two years, which is longer than anything in a shop takes.
    public static let offsets = 0...2 * 366 * 86_400

    private final class Reading: Sendable {
        let last = Mutex<(offset: Int, at: ContinuousClock.Instant)?>(nil)
    }

    private let path: String
    private let reading = Reading()

    init(path: String) {
        self.path = path
    }

    /// PostgreSQL, RabbitMQ and Redis do not share it.
    public var isSimulated: Bool { true }

    public func now() -> Date { Date().addingTimeInterval(Double(offset)) }

    /// Sleeps for `duration` in real time. To wait for a time, compare it with ``now()`` after short sleeps.
    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    private var offset: Int {
        reading.last.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last.at < Self.staleness { return last.offset }
            // The clock never goes back, even if the file is being replaced or was lost.
            let offset = max(last?.offset ?? 0, Self.offset(in: path))
            last = (offset, now)
            return offset
        }
    }

    /// The seconds in the file; 0 if there is no file, or if it cannot be parsed.
    public static func offset(in path: String) -> Int {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return 0 }
        let text = String(decoding: data.prefix(20), as: UTF8.self).filter { !$0.isWhitespace }
        return Int(text).flatMap { offsets.contains($0) ? $0 : nil } ?? 0
    }
}
