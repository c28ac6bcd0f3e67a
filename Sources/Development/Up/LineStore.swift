import Synchronization

/// The first lines that a process prints, up to a bound.
package final class LineStore: Sendable {
    private static let maximumLines = 10_000

    private let lines = Mutex<[String]>([])

    package init() {}

    package func add(_ line: String) {
        lines.withLock { if $0.count < Self.maximumLines { $0.append(line) } }
    }

    package var all: [String] { lines.withLock { $0 } }

    package func last(_ count: Int) -> [String] { all.suffix(count) }
}
