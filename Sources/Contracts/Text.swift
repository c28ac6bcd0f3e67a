@_spi(_Unicode) import Swift

extension String {
    /// Normalisation form C: a single spelling for text that reads the same, such as `é` and `e` with a combining accent. Text that is compared, unique or
    /// searched by its bytes (PostgreSQL, other services) has this form. `FoundationEssentials` has no such function; the standard library has it, undocumented.
    public var nfc: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return self }
        var scalars = String.UnicodeScalarView()
        for scalar in _nfc { scalars.append(scalar) }
        return String(scalars)
    }

    /// Whether it contains a control character, another one that ends a line, or one that changes the direction of the surrounding text, with which a name can
    /// look like another one (UTS #39). `allowingLines` permits line breaks and tabs, in text of several lines.
    public func hasControls(allowingLines: Bool = false) -> Bool {
        unicodeScalars.contains { scalar in
            switch scalar.value {
            case _ where scalar.isControl: !(allowingLines && (scalar == "\n" || scalar == "\r" || scalar == "\t"))
            // The line separator and the paragraph separator.
            case 0x2028, 0x2029: !allowingLines
            // Embeddings, overrides and isolates. Single marks of direction stay: Arabic and Hebrew text has them.
            case 0x202A...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
    }

    /// For the text of an element or a quoted attribute of HTML. By Unicode scalars, as browsers read it: to Swift, U+0600 and a `<` after it are one
    /// character, which is no `<`.
    public var escapedForHTML: String {
        var escaped = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    /// Whether nothing of it can be seen: white space, and characters that are shown as nothing, such as U+200B.
    public var isBlank: Bool {
        unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint }
    }
}

extension Unicode.Scalar {
    /// Whether it is in the general category Cc, whose members Unicode guarantees never to change. Reading `properties.generalCategory` would search a table.
    public var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
