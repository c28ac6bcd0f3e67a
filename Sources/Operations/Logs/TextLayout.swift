import Contracts
import Logging

/// For human readers: `2026-11-21T03:31:13.123Z info     orders  order confirmed  order=17 total=1999`.
struct TextLayout: LogLayout {
    private static let levelWidth = 8
    private static let dim = "\u{1B}[2m"
    private static let plain = "\u{1B}[0m"

    let isColoured: Bool

    func line(for record: LogRecord) -> [UInt8] {
        let level = record.level.rawValue.padded(to: Self.levelWidth)
        var line = coloured(Self.dim, record.timestamp) + " " + coloured(colour(of: record.level), level)
        line += " " + coloured(Self.dim, record.label) + "  " + oneLine(record.message)
        if !record.metadata.isEmpty { line += " " }
        for (key, value) in record.metadata {
            line += " " + coloured(Self.dim, oneLine(key) + "=") + quoted(value)
        }
        return Array((line + "\n").utf8)
    }

    private func coloured(_ colour: String, _ text: String) -> String {
        isColoured ? colour + text + Self.plain : text
    }

    private func colour(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: Self.dim
        case .info, .notice: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error, .critical: "\u{1B}[1;31m"
        }
    }

    private func quoted(_ value: String) -> String {
        let text = oneLine(value)
        guard text.isEmpty || text.unicodeScalars.contains(where: { $0 == " " || $0 == "=" || $0 == "\"" }) else { return text }
        var quoted = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" { quoted.append("\\") }
            quoted.append(scalar)
        }
        return "\"" + String(quoted) + "\""
    }

    /// Without line feeds and other control characters: input from outside must not forge a line or send escape codes to the terminal.
    private func oneLine(_ text: String) -> String {
        // Looking up the category of each character is slow, and nearly all texts have none of the bytes with which control characters begin.
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 }) else { return text }
        return text.unicodeScalars.reduce(into: "") { line, scalar in
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where scalar.isControl: line += "\\u{\(String(scalar.value, radix: 16))}"
            default: line.unicodeScalars.append(scalar)
            }
        }
    }
}

extension String {
    /// Padded with spaces to `width` characters; longer text stays as it is.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
