public import Logging
import Synchronization

/// A log that a test can read.
public final class RecordedLines: Sendable {
    public struct Line: Sendable {
        public let level: Logger.Level
        public let message: String
        public let metadata: Logger.Metadata

        public subscript(_ key: String) -> String? { metadata[key].map { "\($0)" } }
    }

    private let all = Mutex<[Line]>([])

    public init() {}

    public var lines: [Line] { all.withLock { $0 } }

    public func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = level
        return logger
    }

    private struct Handler: LogHandler {
        let lines: RecordedLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(level: event.level, message: "\(event.message)", metadata: metadata.merging(event.metadata ?? [:]) { $1 })
            lines.all.withLock { $0.append(line) }
        }
    }
}
