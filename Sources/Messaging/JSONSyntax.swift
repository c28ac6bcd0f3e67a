/// Holds a JSON text against RFC 8259 to the letter. Foundation's decoder takes trailing commas, other encodings than UTF-8, and the first of
/// two fields of one name: what the client meant by those is a guess, and a guess is not for an order.
struct JSONSyntax {
    /// Arrays and objects inside each other; no request of Wharf's comes near it.
    static let maximumDepth = 64

    struct Fault: Error, CustomStringConvertible {
        let reason: String
        let line: Int
        /// In bytes, from 1.
        let column: Int

        var description: String { "line \(line), column \(column): \(reason)" }
    }

    private let bytes: [UInt8]
    private var place: Int
    private var depth = 0
    private(set) var holdsNUL = false

    /// Throws ``Fault`` at the first error.
    init(checking bytes: [UInt8]) throws(Fault) {
        self.bytes = bytes
        // RFC 8259 lets a reader pass over a byte order mark, and some clients send one.
        place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if String(validating: bytes, as: UTF8.self) == nil { throw fault("the text is not UTF-8", at: bytes.startIndex) }
        try value()
        skipSpace()
        if place < bytes.count { throw fault("the text goes on after its end") }
    }

    private func fault(_ reason: String, at index: Int? = nil) -> Fault {
        let before = bytes.prefix(index ?? place)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return Fault(reason: reason, line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: before.count - lineStart + 1)
    }
}

// MARK: - The grammar

extension JSONSyntax {
    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { place += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func value() throws(Fault) {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): try nested { checker throws(Fault) in try checker.object() }
        case UInt8(ascii: "["): try nested { checker throws(Fault) in try checker.array() }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try number()
        default: throw fault("a value is expected")
        }
    }

    private mutating func nested(_ body: (inout JSONSyntax) throws(Fault) -> Void) throws(Fault) {
        guard depth < Self.maximumDepth else { throw fault("there are more than \(Self.maximumDepth) levels") }
        depth += 1
        place += 1
        try body(&self)
        depth -= 1
    }

    private mutating func object() throws(Fault) {
        var names: Set<String> = []
        skipSpace()
        if take("}") { return }
        repeat {
            skipSpace()
            let start = place
            guard next == UInt8(ascii: "\"") else { throw fault("the name of a field is expected, in quotes") }
            let name = try string()
            guard names.insert(name).inserted else { throw fault("the field '\(name.prefix(60))' is there twice", at: start) }
            skipSpace()
            guard take(":") else { throw fault("':' is expected") }
            try value()
            skipSpace()
        } while take(",")
        guard take("}") else { throw fault("',' or '}' is expected") }
    }

    private mutating func array() throws(Fault) {
        skipSpace()
        if take("]") { return }
        repeat {
            try value()
            skipSpace()
        } while take(",")
        guard take("]") else { throw fault("',' or ']' is expected") }
    }

    private mutating func word(_ word: String) throws(Fault) {
        guard bytes[place...].starts(with: word.utf8) else { throw fault("a value is expected") }
        place += word.utf8.count
    }

    private mutating func number() throws(Fault) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
    }

    private mutating func digits() throws(Fault) {
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        if place == start { throw fault("a digit is expected") }
    }
}

// MARK: - Texts

extension JSONSyntax {
    /// The text without its escapes.
    private mutating func string() throws(Fault) -> String {
        place += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                place += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                place += 1
                let character = try escaped()
                holdsNUL = holdsNUL || character == "\u{0}"
                text += Array(String(character).utf8)
            case 0..<0x20:
                throw fault("a control character must be escaped")
            default:
                text.append(byte)
                place += 1
            }
        }
        throw fault("the text has no end")
    }

    private mutating func escaped() throws(Fault) -> Unicode.Scalar {
        let short: [UInt8: Unicode.Scalar] = [
            UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
            UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
        ]
        if let byte = next, let character = short[byte] {
            place += 1
            return character
        }
        let first = try codeUnit()
        if !UTF16.isLeadSurrogate(first), let character = Unicode.Scalar(first) { return character }
        guard UTF16.isLeadSurrogate(first), take("\\") else { throw fault("half a character was escaped") }
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw fault("half a character was escaped") }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    /// What follows the backslash of `\u0041`.
    private mutating func codeUnit() throws(Fault) -> UInt16 {
        let digits = bytes[place...].dropFirst().prefix(4)
        guard next == UInt8(ascii: "u"), digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw fault("this escape is unknown") }
        place += 5
        return unit
    }
}
