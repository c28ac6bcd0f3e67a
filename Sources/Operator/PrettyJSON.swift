import JSON
import Terminal

/// Readable JSON: members sorted by name, one per line.
package enum PrettyJSON {
    /// The lines of readable JSON, or of the text itself if it is not JSON.
    package static func lines(of text: String) -> [String] {
        guard let value = try? JSON.decode(JSONValue.self, from: Array(text.utf8)) else {
            return text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
        }
        return lines(value, "")
    }

    package static func text(_ value: JSONValue) -> String { lines(value, "").map { $0 + "\n" }.joined() }

    private static func lines(_ value: JSONValue, _ indent: String) -> [String] {
        let inner = indent + "  "
        func block(_ open: String, _ close: String, _ parts: [(String, JSONValue)]) -> [String] {
            guard !parts.isEmpty else { return [indent + open + close] }
            let bodies = parts.enumerated().flatMap { place, part in
                var lines = Self.lines(part.1, inner)
                if let first = lines.first { lines = [inner + part.0 + first.dropFirst(inner.count)] + lines.dropFirst() }
                if place < parts.count - 1, let last = lines.popLast() { lines.append(last + ",") }
                return lines
            }
            return [indent + open] + bodies + [indent + close]
        }
        switch value {
        case .object(let members): return block("{", "}", members.sorted { $0.key < $1.key }.map { (quoted($0.key) + ": ", $0.value) })
        case .array(let elements): return block("[", "]", elements.map { ("", $0) })
        default: return [indent + scalar(value)]
        }
    }

    private static func quoted(_ text: String) -> String { scalar(.string(text)) }

    private static func scalar(_ value: JSONValue) -> String {
        // An array, because not every coder encodes a top-level value.
        guard let bytes = try? JSON.encode([value]) else { return value.description }
        return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self).unicodeScalars.map(shown).joined()
    }

    /// Escapes characters that a terminal or a browser interprets, such as marks of direction, as JSON does. An editor returns them unchanged.
    private static func shown(_ scalar: Unicode.Scalar) -> String {
        let text = String(scalar)
        guard text != text.printable else { return text }
        return text.utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }.joined()
    }
}
