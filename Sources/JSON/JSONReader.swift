import FoundationEssentials
import Secrets

/// Decodes one value of a JSON text.
struct JSONReader: Decoder, SingleValueDecodingContainer {
    let tree: JSONTree
    /// The value's index among the nodes.
    let place: Int

    /// For the whole text.
    init(_ tree: JSONTree) {
        self.init(tree, at: 0)
    }

    init(_ tree: JSONTree, at place: Int) {
        self.tree = tree
        self.place = place
    }

    var node: JSONTree.Node { tree.nodes[place] }
    var codingPath: [any CodingKey] { tree.path(to: place) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard node.kind == .object else { throw mismatch([String: Any].self, "an object") }
        return KeyedDecodingContainer(JSONObjectReader<Key>(reader: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard node.kind == .array else { throw mismatch([Any].self, "an array") }
        return JSONArrayReader(reader: self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: "\(expected) is expected, and \(node.kind.phrase) was found.")
        return node.kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }
}

// MARK: - Values

extension JSONReader {
    func decodeNil() -> Bool { node.kind == .null }

    func decode(_: Bool.Type) throws -> Bool {
        guard node.kind == .boolean else { throw mismatch(Bool.self, "a boolean") }
        return tree.bytes[node.start] == UInt8(ascii: "t")
    }

    func decode(_: String.Type) throws -> String {
        guard node.kind == .text || node.kind == .escapedText else { throw mismatch(String.self, "a text") }
        return node.text(in: tree.bytes)
    }

    func decode<Number: FixedWidthInteger & Decodable>(_ type: Number.Type) throws -> Number {
        guard node.kind == .number else { throw mismatch(type, "an integer") }
        if let number = wholeNumber(type) { return number }
        guard let number = DecimalText(Array(tree.bytes[node.start..<node.end])).integer(type) else { throw unrepresentable(type) }
        return number
    }

    func decode<Number: BinaryFloatingPoint & LosslessStringConvertible & Decodable>(_ type: Number.Type) throws -> Number {
        guard node.kind == .number else { throw mismatch(type, "a number") }
        guard let number = Number(literal), number.isFinite else { throw unrepresentable(type) }
        return number
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        // These two would use Foundation's parsers if they decoded themselves.
        if type == UUID.self, let id = try id() as? Value { return id }
        if type == Date.self, let date = try date() as? Value { return date }
        return try Value(from: self)
    }

    /// The number as it is written.
    func numberText() throws -> String {
        guard node.kind == .number else { throw mismatch(JSONNumber.self, "a number") }
        return literal
    }

    /// The value as it is written.
    var bytes: [UInt8] {
        let quotes = node.kind == .text || node.kind == .escapedText ? 1 : 0
        return Array(tree.bytes[node.start - quotes..<node.end + quotes])
    }

    private var literal: String { String(decoding: tree.bytes[node.start..<node.end], as: UTF8.self) }

    /// Nil for a number with a fraction or an exponent, and for one out of range.
    private func wholeNumber<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        let digits = tree.bytes[node.start..<node.end]
        let isNegative = digits.first == UInt8(ascii: "-")
        var number: Number = 0
        for digit in isNegative ? digits.dropFirst() : digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            let unit = Number(truncatingIfNeeded: digit - UInt8(ascii: "0"))
            let (sum, carry) = isNegative ? tens.subtractingReportingOverflow(unit) : tens.addingReportingOverflow(unit)
            guard !carry else { return nil }
            number = sum
        }
        return number
    }

    private func id() throws -> UUID {
        let isText = node.kind == .text
        if isText, let id = UUID(ascii: tree.bytes[node.start..<node.end]) { return id }
        guard let id = UUID(text: try decode(String.self)) else { throw corrupted("It is no UUID.") }
        return id
    }

    private func date() throws -> Date {
        guard let date = Date(timestamp: try decode(String.self)) else { throw corrupted("not an RFC 3339 time") }
        return date
    }

    private func unrepresentable(_ type: Any.Type) -> DecodingError {
        corrupted("The number \(literal.prefix(60)) is not representable as \(type).")
    }

    private func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
    }
}

extension JSONTree.Node.Kind {
    fileprivate var phrase: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .text, .escapedText: "a text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
