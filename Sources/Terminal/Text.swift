extension Double {
    /// With one decimal.
    package var tenths: String { "\((self * 10).rounded() / 10)" }
}

extension String {
    package func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}

extension String {
    /// On one line, without characters that a terminal obeys: text from messages may hold escape sequences, and characters that reverse what follows.
    package var printable: String {
        guard unicodeScalars.contains(where: \.isObeyed) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0.isObeyed ? ($0.properties.isWhitespace ? " " : "\u{FFFD}") : $0 }))
    }

    /// The text, or its beginning and `…`, in at most `width` characters.
    package func cut(to width: Int) -> String {
        count <= width ? self : width < 1 ? "" : prefix(width - 1) + "…"
    }
}

extension Unicode.Scalar {
    fileprivate var isObeyed: Bool {
        switch properties.generalCategory {
        // Control characters, those of formatting, such as the marks of direction, and line separators.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }
}

extension String {
    /// The beginning of a line with colours, in at most `width` visible characters.
    package func cut(toVisible width: Int) -> String {
        var (visible, isEscape, result) = (0, false, "")
        for character in self {
            if isEscape {
                result.append(character)
                isEscape = !character.isLetter
            } else if character == "\u{1B}" {
                result.append(character)
                isEscape = true
            } else if visible < width {
                result.append(character)
                visible += 1
            }
        }
        return result
    }
}
