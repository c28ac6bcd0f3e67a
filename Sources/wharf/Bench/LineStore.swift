import Synchronization

/// The first lines that a process prints, up to a bound.
final class LineStore: Sendable {
    private static let maximumLines = 10_000

    private let lines = Mutex<[String]>([])

    func add(_ line: String) {
        lines.withLock { if $0.count < Self.maximumLines { $0.append(line) } }
    }

    var all: [String] { lines.withLock { $0 } }

    func last(_ count: Int) -> [String] { all.suffix(count) }
}
