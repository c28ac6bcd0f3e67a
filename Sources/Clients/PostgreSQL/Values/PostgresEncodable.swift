/// A value that can be bound to a statement.
///
/// `Bool`, `Int`, `Int16`, `Int32`, `Int64`, `Double`, `String`, `UUID`, `Date`, `[UInt8]` and `JSONB` can, as can optionals and arrays of
/// them. A type with a raw value among these conforms by saying so (and to `PostgresArrayEncodable` to be bound in arrays); any other
/// forwards to one of them.
public protocol PostgresEncodable: Sendable {
    /// The type that the value is declared as.
    static var sqlType: SQLType { get }
    func encode(to encoder: inout PostgresEncoder)
}

/// A value that can be bound as part of an array.
public protocol PostgresArrayEncodable: Sendable {
    static var arraySQLType: SQLType { get }
    static func encode(_ array: [Self], to encoder: inout PostgresEncoder)
}

/// Collects the values of a statement in PostgreSQL's binary format.
public struct PostgresEncoder: Sendable, Equatable {
    /// Each value is its length in four bytes, then its bytes; -1 stands for NULL. Array elements look the same.
    private(set) var bytes: [UInt8] = []

    public mutating func encodeNull() {
        append(Int32(-1))
    }

    mutating func encode(_ write: (inout PostgresEncoder) -> Void) {
        let start = bytes.count
        append(Int32(0))
        write(&self)
        // Past 2 GiB this wraps, and the bound on a statement's size refuses it before it is sent.
        let length = UInt32(truncatingIfNeeded: bytes.count - start - 4)
        for index in 0..<4 {
            bytes[start + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
        }
    }

    mutating func encode(integer: some FixedWidthInteger) {
        append(Int32(integer.bitWidth / 8))
        append(integer)
    }

    mutating func append<Integer: FixedWidthInteger>(_ integer: Integer) {
        withUnsafeBytes(of: integer.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(contentsOf other: some Sequence<UInt8>) {
        bytes.append(contentsOf: other)
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var sqlType: SQLType { Wrapped.sqlType }

    public func encode(to encoder: inout PostgresEncoder) {
        if let self { self.encode(to: &encoder) } else { encoder.encodeNull() }
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    public static var sqlType: SQLType { RawValue.sqlType }

    public func encode(to encoder: inout PostgresEncoder) {
        rawValue.encode(to: &encoder)
    }
}
