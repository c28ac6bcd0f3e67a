extension YAMLReader {
    /// Characters that begin no plain scalar; most of them are YAML that this reader does not support.
    private static let indicators: Set<UInt8> = Set("&*!%@`,]}#".utf8)

    func refuseIndicator() throws(Failure) {
        guard let byte = current else { return }
        let isAlone = peek(1) == nil || peek(1) == .space || peek(1) == .lineFeed
        let isStructure = isAlone && (byte == .dash || byte == .colon || byte == UInt8(ascii: "?"))
        if isStructure || Self.indicators.contains(byte) { throw failure("a value cannot begin with '\(Character(Unicode.Scalar(byte)))'") }
    }

    // MARK: Plain

    /// A scalar without quotes, which may continue on lines indented deeper than `parent`.
    mutating func plain(_ parent: Int) throws(Failure) -> String {
        try refuseIndicator()
        var text = try plainLine()
        while true {
            let start = self
            var breaks = 0
            while current == .lineFeed {
                breaks += 1
                advance()
                skipSpaces()
            }
            guard breaks > 0, !isAtEnd, column > parent, current != .numberSign else {
                self = start
                return text
            }
            text += breaks == 1 ? " " : String(repeating: "\n", count: breaks - 1)
            text += try plainLine()
        }
    }

    /// To the end of the line, or to a comment.
    private mutating func plainLine() throws(Failure) -> String {
        var text: [UInt8] = []
        while let byte = current, byte != .lineFeed {
            if byte == .space, peek(1) == .numberSign { break }
            if isColon { throw failure("an unquoted text contains a colon with a space") }
            text.append(byte)
            advance()
        }
        _ = isRestOfLineEmpty()
        return Self.text(text)
    }

    // MARK: Quoted

    /// A scalar in quotes; the line breaks in it are folded.
    mutating func quoted() throws(Failure) -> String {
        let isDouble = current == .doubleQuote
        let first = line
        advance()
        var text: [UInt8] = []
        while let byte = current {
            switch byte {
            case .quote where !isDouble:
                advance()
                guard current == .quote else { return String(decoding: text, as: UTF8.self) }
                text.append(.quote)
                advance()
            case .doubleQuote where isDouble:
                advance()
                return String(decoding: text, as: UTF8.self)
            case .backslash where isDouble:
                advance()
                try escape(into: &text)
            case .lineFeed:
                fold(into: &text)
            default:
                text.append(byte)
                advance()
            }
        }
        throw Failure(line: first, message: "a quote is not closed")
    }

    /// One line break becomes a space, several become one less; the surrounding spaces are dropped.
    private mutating func fold(into text: inout [UInt8]) {
        while text.last == .space || text.last == .carriageReturn { _ = text.popLast() }
        var breaks = 0
        while current == .lineFeed {
            breaks += 1
            advance()
            skipSpaces()
        }
        text += breaks == 1 ? [.space] : Array(repeating: .lineFeed, count: breaks - 1)
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): .lineFeed, UInt8(ascii: "t"): .tab, UInt8(ascii: "r"): .carriageReturn, UInt8(ascii: "0"): 0, UInt8(ascii: "e"): 0x1B,
        .doubleQuote: .doubleQuote, .backslash: .backslash, UInt8(ascii: "/"): UInt8(ascii: "/"), .space: .space,
    ]

    private mutating func escape(into text: inout [UInt8]) throws(Failure) {
        guard let byte = current else { throw failure("a quote is not closed") }
        advance()
        let digits: Int
        switch byte {
        case UInt8(ascii: "x"): digits = 2
        case UInt8(ascii: "u"): digits = 4
        case UInt8(ascii: "U"): digits = 8
        default:
            guard let meant = Self.escapes[byte] else { throw failure("'\\\(Character(Unicode.Scalar(byte)))' means nothing") }
            text.append(meant)
            return
        }
        var hexadecimal: [UInt8] = []
        for _ in 0..<digits {
            guard let digit = current, digit != .lineFeed, digit != .doubleQuote else { break }
            hexadecimal.append(digit)
            advance()
        }
        guard hexadecimal.count == digits, let number = Int(String(decoding: hexadecimal, as: UTF8.self), radix: 16).flatMap(UInt32.init(exactly:)),
            let scalar = Unicode.Scalar(number)
        else { throw failure("\(digits) hexadecimal digits of a character are expected") }
        text += Array(String(Character(scalar)).utf8)
    }

    // MARK: Blocks of text

    private enum Chomping { case clip, strip, keep }

    /// A scalar after `|` or `>`: the following lines that are indented deeper than `parent`.
    mutating func blockScalar(_ parent: Int) throws(Failure) -> String {
        let isFolded = current == .greater
        advance()
        var chomping = Chomping.clip
        if current == .dash { chomping = .strip } else if current == .plus { chomping = .keep }
        if chomping != .clip { advance() }
        guard isRestOfLineEmpty() else { throw failure("a block of text begins on the next line, with an indentation of its own") }
        advance()
        var lines = try indentedLines(parent)
        var blanks = 0
        while lines.last?.isEmpty == true {
            _ = lines.popLast()
            blanks += 1
        }
        let text = isFolded ? Self.folded(lines) : lines.joined(separator: "\n")
        switch chomping {
        case .strip: return text
        case .clip: return lines.isEmpty ? "" : text + "\n"
        case .keep: return text + String(repeating: "\n", count: lines.isEmpty ? blanks : blanks + 1)
        }
    }

    /// The lines of a block, without its indentation, which is that of its first line.
    private mutating func indentedLines(_ parent: Int) throws(Failure) -> [String] {
        var lines: [String] = []
        var indentation: Int?
        while !isAtEnd {
            let start = self
            while current == .space, column < indentation ?? .max { advance() }
            if current == .lineFeed || (current == .carriageReturn && peek(1) == .lineFeed) {
                while current != .lineFeed { advance() }
                advance()
                lines.append("")
                continue
            }
            guard !isAtEnd else { break }
            guard column >= indentation ?? (parent + 1) else {
                self = start
                break
            }
            indentation = indentation ?? column
            var text: [UInt8] = []
            while let byte = current, byte != .lineFeed {
                text.append(byte)
                advance()
            }
            advance()
            if text.last == .carriageReturn { _ = text.popLast() }
            lines.append(String(decoding: text, as: UTF8.self))
        }
        return lines
    }

    /// Joins lines, except around lines that are indented deeper or empty.
    private static func folded(_ lines: [String]) -> String {
        var text = ""
        var breaks = 0
        var previous: String?
        for line in lines {
            if line.isEmpty {
                breaks += 1
                continue
            }
            if let previous {
                let keeps = previous.hasPrefix(" ") || line.hasPrefix(" ")
                text += breaks == 0 && !keeps ? " " : String(repeating: "\n", count: keeps ? breaks + 1 : breaks)
            } else {
                text += String(repeating: "\n", count: breaks)
            }
            text += line
            previous = line
            breaks = 0
        }
        return text
    }
}
