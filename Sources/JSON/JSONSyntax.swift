/// Reads a JSON text by RFC 8259, to the letter: trailing commas, encodings other than UTF-8 and, in what a client sends, two fields of one name
/// are rejected. Accepting those would mean guessing what the client meant, and an order must not rest on a guess.
public struct JSONSyntax {
    /// How deep arrays and objects may be nested; none of Wharf's requests comes near it.
    static let maximumDepth = 64
    /// For texts that Wharf, or a server that it trusts, has written.
    static let maximumDepthOfTrusted = 512

    public struct Fault: Error, CustomStringConvertible {
        let reason: String
        let line: Int
        /// In bytes, from 1.
        let column: Int

        public var description: String { "line \(line), column \(column): \(reason)" }
    }

    let bytes: [UInt8]
    private(set) var nodes: [JSONTree.Node] = []
    /// Whether a text holds U+0000, which PostgreSQL does not store.
    public private(set) var holdsNUL = false
    private let refusesRepeatedNames: Bool
    private let maximumDepth: Int
    private var place: Int
    private var depth = 0

    /// Throws ``Fault`` at the first error.
    public init(checking bytes: [UInt8]) throws(Fault) {
        try self.init(bytes, refusesRepeatedNames: true, maximumDepth: Self.maximumDepth)
    }

    /// For texts that Wharf, or a server that it trusts, has written: names may be repeated. Throws ``Fault`` at the first error.
    init(reading bytes: [UInt8]) throws(Fault) {
        try self.init(bytes, refusesRepeatedNames: false, maximumDepth: Self.maximumDepthOfTrusted)
    }

    private init(_ bytes: [UInt8], refusesRepeatedNames: Bool, maximumDepth: Int) throws(Fault) {
        self.bytes = bytes
        self.refusesRepeatedNames = refusesRepeatedNames
        self.maximumDepth = maximumDepth
        nodes.reserveCapacity(8 + bytes.count / 8)
        // RFC 8259 allows a reader to ignore a byte order mark, and some clients send one.
        place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        do throws(Fault) {
            try walk(bytes.span)
        } catch {
            // Text that is not UTF-8 is reported as such, whatever else is wrong with it.
            if String(validating: bytes, as: UTF8.self) == nil { throw notUTF8 }
            throw error
        }
    }

    private mutating func walk(_ text: Span<UInt8>) throws(Fault) {
        try value(text)
        skipSpace(text)
        if place < text.count { throw fault("the text goes on after its end") }
    }

    private var notUTF8: Fault { fault("the text is not UTF-8", at: bytes.startIndex) }

    private func fault(_ reason: String, at index: Int? = nil) -> Fault {
        let before = bytes.prefix(index ?? place)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return Fault(reason: reason, line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: before.count - lineStart + 1)
    }
}

// MARK: - The grammar

extension JSONSyntax {
    private func next(_ text: Span<UInt8>) -> UInt8? { place < text.count ? text[place] : nil }

    private mutating func skipSpace(_ text: Span<UInt8>) {
        while place < text.count, text[place] <= 0x20 {
            guard text[place] == 0x20 || text[place] == 0x0A || text[place] == 0x0D || text[place] == 0x09 else { return }
            place += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar, _ text: Span<UInt8>) -> Bool {
        guard place < text.count, text[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func value(_ text: Span<UInt8>) throws(Fault) {
        skipSpace(text)
        switch next(text) {
        case UInt8(ascii: "\""): try string(text)
        case UInt8(ascii: "{"): try nested(.object, text)
        case UInt8(ascii: "["): try nested(.array, text)
        case UInt8(ascii: "t"): try word("true", .boolean)
        case UInt8(ascii: "f"): try word("false", .boolean)
        case UInt8(ascii: "n"): try word("null", .null)
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try number(text)
        default: throw fault("a value is expected")
        }
    }

    private mutating func nested(_ kind: JSONTree.Node.Kind, _ text: Span<UInt8>) throws(Fault) {
        guard depth < maximumDepth else { throw fault("there are more than \(maximumDepth) levels") }
        let node = open(kind)
        depth += 1
        place += 1
        nodes[node].count = kind == .object ? try object(text) : try array(text)
        depth -= 1
        close(node)
    }

    private mutating func open(_ kind: JSONTree.Node.Kind) -> Int {
        let node = nodes.count
        nodes.append(JSONTree.Node(kind: kind, start: place, end: place, next: node + 1))
        return node
    }

    private mutating func close(_ node: Int) {
        nodes[node].end = place
        nodes[node].next = nodes.count
    }

    private mutating func object(_ text: Span<UInt8>) throws(Fault) -> Int {
        var names: Set<String> = []
        skipSpace(text)
        if take("}", text) { return 0 }
        var count = 0
        repeat {
            skipSpace(text)
            let (start, node) = (place, nodes.count)
            guard next(text) == UInt8(ascii: "\"") else { throw fault("the name of a field is expected, in quotes") }
            try string(text)
            if refusesRepeatedNames {
                let name = nodes[node].text(in: bytes)
                guard names.insert(name).inserted else { throw fault("the field '\(name.prefix(60))' is there twice", at: start) }
            }
            skipSpace(text)
            guard take(":", text) else { throw fault("':' is expected") }
            try value(text)
            skipSpace(text)
            count += 1
        } while take(",", text)
        guard take("}", text) else { throw fault("',' or '}' is expected") }
        return count
    }

    private mutating func array(_ text: Span<UInt8>) throws(Fault) -> Int {
        skipSpace(text)
        if take("]", text) { return 0 }
        var count = 0
        repeat {
            try value(text)
            skipSpace(text)
            count += 1
        } while take(",", text)
        guard take("]", text) else { throw fault("',' or ']' is expected") }
        return count
    }

    private mutating func word(_ word: String, _ kind: JSONTree.Node.Kind) throws(Fault) {
        guard bytes[place...].starts(with: word.utf8) else { throw fault("a value is expected") }
        let node = open(kind)
        place += word.utf8.count
        close(node)
    }

    private mutating func number(_ text: Span<UInt8>) throws(Fault) {
        let node = open(.number)
        _ = take("-", text)
        if !take("0", text) { try digits(text) }
        if take(".", text) { try digits(text) }
        if take("e", text) || take("E", text) {
            if !take("+", text) { _ = take("-", text) }
            try digits(text)
        }
        close(node)
    }

    private mutating func digits(_ text: Span<UInt8>) throws(Fault) {
        let start = place
        while place < text.count, text[place] >= UInt8(ascii: "0"), text[place] <= UInt8(ascii: "9") { place += 1 }
        if place == start { throw fault("a digit is expected") }
    }
}

// MARK: - Texts

extension JSONSyntax {
    private mutating func string(_ text: Span<UInt8>) throws(Fault) {
        let start = place + 1
        let end = text.endOfPlain(from: start, onlyASCII: true)
        if end < text.count, text[end] == UInt8(ascii: "\"") {
            nodes.append(JSONTree.Node(kind: .text, start: start, end: end, next: nodes.count + 1))
            place = end + 1
        } else {
            try specialString(text, from: start)
        }
    }

    /// A text with escapes, or with characters other than ASCII, or one that is not valid.
    private mutating func specialString(_ text: Span<UInt8>, from start: Int) throws(Fault) {
        place = start
        let node = open(.text)
        var isASCII = true
        while let byte = next(text) {
            switch byte {
            case UInt8(ascii: "\""):
                close(node)
                if !isASCII, String(validating: bytes[start..<place], as: UTF8.self) == nil { throw notUTF8 }
                place += 1
                return
            case UInt8(ascii: "\\"):
                nodes[node].kind = .escapedText
                place += 1
                do throws(JSONEscape.Fault) {
                    if try JSONEscape.read(bytes, &place) == "\u{0}" { holdsNUL = true }
                } catch {
                    throw fault(error.rawValue)
                }
            case 0..<0x20:
                throw fault("a control character must be escaped")
            default:
                if byte >= 0x80 { isASCII = false }
                place += 1
            }
        }
        throw fault("the text has no end")
    }
}
