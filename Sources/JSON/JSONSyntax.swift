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
        nodes.reserveCapacity(16)
        // RFC 8259 allows a reader to ignore a byte order mark, and some clients send one.
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
        case UInt8(ascii: "{"): try nested(.object)
        case UInt8(ascii: "["): try nested(.array)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true", .boolean)
        case UInt8(ascii: "f"): try word("false", .boolean)
        case UInt8(ascii: "n"): try word("null", .null)
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try number()
        default: throw fault("a value is expected")
        }
    }

    private mutating func nested(_ kind: JSONTree.Node.Kind) throws(Fault) {
        guard depth < maximumDepth else { throw fault("there are more than \(maximumDepth) levels") }
        let node = open(kind)
        depth += 1
        place += 1
        nodes[node].count = kind == .object ? try object() : try array()
        depth -= 1
        close(node)
    }

    private mutating func open(_ kind: JSONTree.Node.Kind) -> Int {
        nodes.append(JSONTree.Node(kind: kind, start: place, end: place, next: nodes.count + 1))
        return nodes.count - 1
    }

    private mutating func close(_ node: Int) {
        nodes[node].end = place
        nodes[node].next = nodes.count
    }

    private mutating func object() throws(Fault) -> Int {
        var names: Set<String> = []
        skipSpace()
        if take("}") { return 0 }
        var count = 0
        repeat {
            skipSpace()
            let (start, node) = (place, nodes.count)
            guard next == UInt8(ascii: "\"") else { throw fault("the name of a field is expected, in quotes") }
            try string()
            if refusesRepeatedNames {
                let name = nodes[node].text(in: bytes)
                guard names.insert(name).inserted else { throw fault("the field '\(name.prefix(60))' is there twice", at: start) }
            }
            skipSpace()
            guard take(":") else { throw fault("':' is expected") }
            try value()
            skipSpace()
            count += 1
        } while take(",")
        guard take("}") else { throw fault("',' or '}' is expected") }
        return count
    }

    private mutating func array() throws(Fault) -> Int {
        skipSpace()
        if take("]") { return 0 }
        var count = 0
        repeat {
            try value()
            skipSpace()
            count += 1
        } while take(",")
        guard take("]") else { throw fault("',' or ']' is expected") }
        return count
    }

    private mutating func word(_ word: String, _ kind: JSONTree.Node.Kind) throws(Fault) {
        guard bytes[place...].starts(with: word.utf8) else { throw fault("a value is expected") }
        let node = open(kind)
        place += word.utf8.count
        close(node)
    }

    private mutating func number() throws(Fault) {
        let node = open(.number)
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        close(node)
    }

    private mutating func digits() throws(Fault) {
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        if place == start { throw fault("a digit is expected") }
    }
}

// MARK: - Texts

extension JSONSyntax {
    private mutating func string() throws(Fault) {
        place += 1
        let node = open(.text)
        var hasEscapes = false
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                close(node)
                if hasEscapes { nodes[node].kind = .escapedText }
                place += 1
                return
            case UInt8(ascii: "\\"):
                hasEscapes = true
                place += 1
                do throws(JSONEscape.Fault) {
                    if try JSONEscape.read(bytes, &place) == "\u{0}" { holdsNUL = true }
                } catch {
                    throw fault(error.rawValue)
                }
            case 0..<0x20:
                throw fault("a control character must be escaped")
            default:
                place += 1
            }
        }
        throw fault("the text has no end")
    }
}
