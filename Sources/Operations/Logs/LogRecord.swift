import FoundationEssentials
import Logging

/// One log event with its context.
struct LogRecord {
    /// Characters kept of a message or of one value; the rest is truncated.
    static let maximumCharacters = 8_192

    let at: Date
    let level: Logger.Level
    let label: String
    let message: String
    /// Sorted by key.
    let metadata: [(key: String, value: String)]

    init(at: Date, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata) {
        self.at = at
        self.level = level
        self.label = label
        self.message = Self.bounded(message)
        self.metadata = metadata.sorted { $0.key < $1.key }.map { ($0.key, Self.bounded("\($0.value)")) }
    }

    var timestamp: String {
        at.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private static func bounded(_ text: String) -> String {
        // Counting bytes is immediate, counting characters is not.
        guard text.utf8.count > maximumCharacters else { return text }
        let kept = text.prefix(maximumCharacters)
        return kept.endIndex == text.endIndex ? text : kept + "…"
    }
}

/// How a record becomes a line.
protocol LogLayout: Sendable {
    /// UTF-8 that ends with a line feed and contains no other.
    func line(for record: LogRecord) -> [UInt8]
}
