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
    /// The text on one line, without control characters: text from messages may contain escape sequences and characters that reverse the text after them.
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
    /// A line with colours as lines of at most `width` visible characters, broken after blanks where possible; an empty line is one.
    package func wrapped(toVisible width: Int) -> [String] {
        var (lines, line, visible, isEscape) = ([String](), [Character](), 0, false)
        // After the last blank that is not part of the indentation: the characters of the line up to there, and how many of them are visible.
        var gap: (characters: Int, visible: Int)?
        for character in self {
            if !isEscape, character != "\u{1B}" {
                if visible == Swift.max(width, 1) {
                    let end = gap ?? (line.count, visible)
                    lines.append(String(line[..<end.characters]))
                    line.removeFirst(end.characters)
                    visible -= end.visible
                    gap = nil
                }
                visible += 1
            }
            isEscape = isEscape ? !character.isLetter : character == "\u{1B}"
            line.append(character)
            if character == " ", line.contains(where: { $0 != " " }) { gap = (line.count, visible) }
        }
        return lines + [String(line)]
    }
}
