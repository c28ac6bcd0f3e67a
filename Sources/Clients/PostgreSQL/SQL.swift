/// A statement and the values bound to it.
///
/// ```swift
/// let sql: SQL = "SELECT name FROM products WHERE id = \(id) AND sku = ANY(\(skus))"
/// ```
/// An interpolated value never becomes part of the text: it travels beside it, in PostgreSQL's binary format and with its type declared, as `$1`, `$2`, ….
/// A `String` is declared as `text`; for a column of another type say so: `\(state)::order_state`, `\(body)::jsonb`.
///
/// Optional clauses are composed with `+`, `+=`, or by interpolating one `SQL` into another; values are numbered when the statement is sent.
/// Bounds: `maximumParameters` values a statement (checked when it is sent).
public struct SQL: ExpressibleByStringInterpolation, CustomStringConvertible, Sendable, Equatable {
    /// What PostgreSQL's protocol can number. For more rows bind arrays and `unnest` them.
    public static let maximumParameters = 65_535
    /// Statements of one transaction that may wait for the next one.
    public static let maximumEnqueued = 100

    /// The text around the values: value `i` stands between pieces `i` and `i + 1`.
    private(set) var pieces: [String]
    private(set) var parameters: Parameters

    public init(stringLiteral value: String) {
        pieces = [value]
        parameters = Parameters()
    }

    public init(stringInterpolation: Interpolation) {
        self = stringInterpolation.sql
    }

    public static func + (first: SQL, second: SQL) -> SQL {
        var sum = first
        sum += second
        return sum
    }

    public static func += (first: inout SQL, second: SQL) {
        first.append(second)
    }

    /// The statement as the server reads it.
    public var text: String {
        var text = pieces[0]
        text.reserveCapacity(pieces.reduce(0) { $0 + $1.utf8.count + 4 })
        for (index, piece) in pieces.dropFirst().enumerated() {
            text += "$"
            text += String(index + 1)
            text += piece
        }
        return text
    }

    /// The text without its values, which may be secret.
    public var description: String { text }

    /// The statement without some of its words, for fault injection.
    package func removing(_ words: String) -> SQL {
        var rest = self
        rest.pieces = pieces.map { $0.replacing(words, with: "") }
        return rest
    }

    fileprivate mutating func append(text: String) {
        pieces[pieces.count - 1] += text
    }

    fileprivate mutating func append(value: some PostgresEncodable) {
        parameters.append(value)
        pieces.append("")
    }

    fileprivate mutating func append(_ other: SQL) {
        append(text: other.pieces[0])
        pieces.append(contentsOf: other.pieces.dropFirst())
        parameters.append(contentsOf: other.parameters)
    }

    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var sql: SQL = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            sql.pieces.reserveCapacity(interpolationCount + 1)
        }

        public mutating func appendLiteral(_ literal: String) {
            sql.append(text: literal)
        }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            sql.append(value: value)
        }

        /// Binds a value, or NULL.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            sql.append(value: value)
        }

        /// Inserts another statement or clause, with its values.
        public mutating func appendInterpolation(_ clause: SQL) {
            sql.append(clause)
        }

        /// Inserts text as it is. Only for names and keywords that are fixed in code: bind everything that comes from outside.
        public mutating func appendInterpolation(raw text: String) {
            sql.append(text: text)
        }

        /// Inserts a name, quoted.
        public mutating func appendInterpolation(identifier name: String) {
            sql.append(text: quotedIdentifier(name))
        }
    }
}

/// A name as PostgreSQL takes it literally, whatever it holds.
func quotedIdentifier(_ name: String) -> String {
    var quoted = "\""
    for character in name.unicodeScalars {
        if character == "\"" { quoted += "\"" }
        quoted.unicodeScalars.append(character)
    }
    return quoted + "\""
}
