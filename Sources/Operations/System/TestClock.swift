public import FoundationEssentials
public import Runtime
import Synchronization

/// A clock that can be moved forward, for trials: what takes days is seen in a moment. It is the system's clock, ahead by the number of seconds that a file
/// holds; all roles of a shop share the file. Only ``Settings`` makes one, and only where every server is this machine's own.
public struct TestClock: WallClock {
    /// How long a process may not notice that the file has changed.
    static let staleness = Duration.milliseconds(100)
    /// Seconds by which it can be ahead: two years, more than anything in a shop takes.
    public static let offsets = 0...2 * 366 * 86_400

    private final class Reading: Sendable {
        let last = Mutex<(offset: Int, at: ContinuousClock.Instant)?>(nil)
    }

    private let path: String
    private let reading = Reading()

    init(path: String) {
        self.path = path
    }

    /// Servers do not share it.
    public var isSimulated: Bool { true }

    public func now() -> Date { Date().addingTimeInterval(Double(offset)) }

    /// Lasts as long as it says: who waits for a time compares it with ``now()`` after a short sleep.
    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    private var offset: Int {
        reading.last.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last.at < Self.staleness { return last.offset }
            // It never goes back: not when the file is being replaced, or was lost.
            let offset = max(last?.offset ?? 0, Self.offset(in: path))
            last = (offset, now)
            return offset
        }
    }

    /// The seconds that the file holds; 0 without a file, or with one that cannot be understood.
    public static func offset(in path: String) -> Int {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return 0 }
        let text = String(decoding: data.prefix(20), as: UTF8.self).filter { !$0.isWhitespace }
        return Int(text).flatMap { offsets.contains($0) ? $0 : nil } ?? 0
    }
}
