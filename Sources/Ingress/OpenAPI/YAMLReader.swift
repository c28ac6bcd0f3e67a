/// Reads the part of YAML 1.2 that an OpenAPI document needs: mappings, sequences and scalars in block and flow style, and comments.
///
/// Anchors, aliases, tags, directives, several documents, and mappings inside `[a: b]` are rejected, as is anything that is not YAML. Any input ends in a
/// value or an error; the time is linear in its size except for mappings, whose keys are compared with each other.
struct YAMLReader {
    struct Failure: Error, Equatable {
        /// Counted from 1.
        let line: Int
        let message: String
    }

    /// How deep mappings and sequences may be nested; more are rejected before they can exhaust the stack.
    static let maximumDepth = 64

    let bytes: [UInt8]
    var position = 0
    /// Where the line of `position` begins. Advanced with `position` by ``advance()``.
    private(set) var lineStart = 0
    private(set) var line = 1
    var depth = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The value of a document; nil when the document has none.
    static func read(_ bytes: [UInt8]) throws(Failure) -> YAMLNode? {
        var reader = YAMLReader(bytes)
        guard let node = try reader.block(deeperThan: -1) else { return nil }
        try reader.skipToContent()
        guard reader.isAtEnd else { throw reader.failure("the indentation fits nothing above it") }
        return node
    }

    // MARK: Where the reader is

    var isAtEnd: Bool { position >= bytes.count }
    var current: UInt8? { isAtEnd ? nil : bytes[position] }
    /// Spaces before `position`, when only spaces precede it on the line.
    var column: Int { position - lineStart }

    /// The byte at that distance.
    func peek(_ distance: Int) -> UInt8? {
        let place = position + distance
        return bytes.indices.contains(place) ? bytes[place] : nil
    }

    mutating func advance() {
        guard let byte = current else { return }
        position += 1
        guard byte == .lineFeed else { return }
        line += 1
        lineStart = position
    }

    func failure(_ message: String) -> Failure { Failure(line: line, message: message) }

    func node(_ value: YAMLNode.Value, at line: Int) -> YAMLNode { YAMLNode(value: value, line: line) }

    // MARK: White space

    mutating func skipSpaces() {
        while current == .space || current == .carriageReturn { advance() }
    }

    /// Whether only spaces and a comment are left on this line; if so, moves to its end.
    mutating func isRestOfLineEmpty() -> Bool {
        let isFirst = position == lineStart
        let start = self
        skipSpaces()
        if current == .numberSign, isFirst || position > start.position || start.previous == .space { skipLine() }
        guard current == .lineFeed || isAtEnd else {
            self = start
            return false
        }
        return true
    }

    private var previous: UInt8? { peek(-1) }

    private mutating func skipLine() {
        while let byte = current, byte != .lineFeed { advance() }
    }

    /// Moves to the first byte that is neither space nor comment, on this line or a later one.
    mutating func skipToContent() throws(Failure) {
        while isRestOfLineEmpty(), !isAtEnd { advance() }
        skipSpaces()
        if current == .tab { throw failure("there is a tab where spaces are expected") }
    }

    // MARK: Blocks

    /// The value that begins at the next content; nil when that is not indented deeper than `parent`.
    mutating func block(deeperThan parent: Int) throws(Failure) -> YAMLNode? {
        let start = self
        try skipToContent()
        guard !isAtEnd, column > parent else {
            self = start
            return nil
        }
        return try inlineBlock(parent)
    }

    /// The value that begins here: a mapping and a sequence may continue at this column.
    private mutating func inlineBlock(_ parent: Int) throws(Failure) -> YAMLNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw failure("there are more than \(Self.maximumDepth) levels") }
        if isDash { return try blockSequence(at: column) }
        if try isKey() { return try blockMapping(at: column) }
        return try value(parent)
    }

    private var isDash: Bool {
        guard current == .dash else { return false }
        return peek(1).map { $0 == .space || $0 == .lineFeed || $0 == .carriageReturn } ?? true
    }

    private mutating func blockSequence(at indentation: Int) throws(Failure) -> YAMLNode {
        let line = self.line
        var elements: [YAMLNode] = []
        repeat {
            advance()
            if isRestOfLineEmpty() {
                elements.append(try block(deeperThan: indentation) ?? nothing)
            } else {
                skipSpaces()
                elements.append(try inlineBlock(indentation))
            }
            try skipToContent()
        } while !isAtEnd && column == indentation && isDash
        guard isAtEnd || column <= indentation else { throw failure("the indentation fits nothing above it") }
        return node(.sequence(elements), at: line)
    }

    private mutating func blockMapping(at indentation: Int) throws(Failure) -> YAMLNode {
        let line = self.line
        var members: [(key: String, value: YAMLNode)] = []
        var known: Set<String> = []
        repeat {
            guard try isKey() else { throw failure("a key with a colon is expected") }
            let key = try self.key()
            guard known.insert(key).inserted else { throw failure("'\(key)' is used twice") }
            members.append((key, try memberValue(indentation)))
            try skipToContent()
        } while !isAtEnd && column == indentation && !isDash
        guard isAtEnd || column <= indentation else { throw failure("the indentation fits nothing above it") }
        return node(.mapping(members), at: line)
    }

    /// What follows the colon of a member: on the same line, or as a block below it.
    private mutating func memberValue(_ indentation: Int) throws(Failure) -> YAMLNode {
        guard isRestOfLineEmpty() else {
            skipSpaces()
            return try value(indentation)
        }
        if let deeper = try block(deeperThan: indentation) { return deeper }
        let start = self
        try skipToContent()
        // The elements of a sequence may be at the same indentation as their key.
        if !isAtEnd, column == indentation, isDash { return try blockSequence(at: indentation) }
        self = start
        return nothing
    }

    private var nothing: YAMLNode { node(.scalar("", isPlain: true), at: line) }

    /// A value after a key that is neither a block mapping nor a block sequence.
    private mutating func value(_ parent: Int) throws(Failure) -> YAMLNode {
        let line = self.line
        switch current {
        case .pipe, .greater: return node(.scalar(try blockScalar(parent), isPlain: false), at: line)
        case .openBrace, .openBracket:
            let value = try flow()
            return try endOfLine(value)
        case .quote, .doubleQuote:
            let text = try quoted()
            return try endOfLine(node(.scalar(text, isPlain: false), at: line))
        default: return node(.scalar(try plain(parent), isPlain: true), at: line)
        }
    }

    private mutating func endOfLine(_ node: YAMLNode) throws(Failure) -> YAMLNode {
        guard isRestOfLineEmpty() else { throw failure("there is text after the end of a value") }
        return node
    }

    /// Whether a key with its colon begins here; does not move.
    private func isKey() throws(Failure) -> Bool {
        var copy = self
        if current == .quote || current == .doubleQuote {
            let line = copy.line
            _ = try copy.quoted()
            copy.skipSpaces()
            return copy.line == line && copy.isColon
        }
        if current == .openBrace || current == .openBracket { return false }
        while let byte = copy.current, byte != .lineFeed {
            if copy.isColon { return true }
            if byte == .space, copy.peek(1) == .numberSign { return false }
            copy.advance()
        }
        return false
    }

    /// A colon that ends a key: a space or the end of the line follows.
    var isColon: Bool {
        guard current == .colon else { return false }
        return peek(1).map { $0 == .space || $0 == .lineFeed || $0 == .carriageReturn } ?? true
    }

    /// Reads a key and its colon; ``isKey()`` says that there is one.
    private mutating func key() throws(Failure) -> String {
        var text: [UInt8] = []
        if current == .quote || current == .doubleQuote {
            let key = try quoted()
            skipSpaces()
            advance()
            return key
        }
        try refuseIndicator()
        while let byte = current, !isColon {
            text.append(byte)
            advance()
        }
        advance()
        return Self.text(text)
    }

    /// The bytes as a text, without the spaces at its end.
    static func text(_ bytes: [UInt8]) -> String {
        let end = bytes.lastIndex { $0 != .space && $0 != .carriageReturn } ?? -1
        return String(decoding: bytes.prefix(end + 1), as: UTF8.self)
    }
}

extension UInt8 {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let dash = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let colon = UInt8(ascii: ":")
    static let comma = UInt8(ascii: ",")
    static let numberSign = UInt8(ascii: "#")
    static let pipe = UInt8(ascii: "|")
    static let greater = UInt8(ascii: ">")
    static let quote = UInt8(ascii: "'")
    static let doubleQuote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
}
