// Swift allows one conformance of Array to a protocol, yet `[UInt8]` is `bytea` and `[Int]` is `bigint[]`. So the element decides: see UInt8 below.

extension Array: PostgresEncodable where Element: PostgresArrayEncodable {
    public static var sqlType: SQLType { Element.arraySQLType }

    public func encode(to encoder: inout PostgresEncoder) {
        Element.encode(self, to: &encoder)
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayDecodable {
    public init(cell: PostgresCell) throws(PostgresError) {
        self = try Element.array(from: cell)
    }
}

extension PostgresArrayEncodable where Self: PostgresEncodable {
    public static func encode(_ array: [Self], to encoder: inout PostgresEncoder) {
        encoder.encode { encoder in
            encoder.append(Int32(array.isEmpty ? 0 : 1))
            // The server finds the NULLs by itself.
            encoder.append(Int32(0))
            encoder.append(sqlType.rawValue)
            guard !array.isEmpty else { return }
            encoder.append(Int32(truncatingIfNeeded: array.count))
            encoder.append(ArrayHeader.lowerBound)
            for element in array { element.encode(to: &encoder) }
        }
    }
}

extension PostgresArrayDecodable where Self: PostgresDecodable {
    public static func array(from cell: PostgresCell) throws(PostgresError) -> [Self] {
        let bytes = try cell.content(for: [Self].self)
        guard ArrayHeader.canPrecede(cell.type) else { throw cell.mismatch([Self].self) }
        let dimensions: Int32 = try cell.integer(at: 0, of: bytes)
        guard dimensions != 0 else { return [] }
        guard dimensions == 1 else { throw cell.mismatch([Self].self, "it has \(dimensions) dimensions") }
        let type = SQLType(rawValue: try cell.integer(at: 8, of: bytes))
        let count = Int(try cell.integer(at: 12, of: bytes, as: Int32.self))
        var array: [Self] = []
        array.reserveCapacity(Swift.min(Swift.max(count, 0), bytes.count / 4))
        var position = ArrayHeader.size
        for _ in 0..<Swift.max(count, 0) {
            let length = Int(try cell.integer(at: position, of: bytes, as: Int32.self))
            position += 4
            guard length <= bytes.count - position else { throw cell.mismatch([Self].self, "an element is cut short") }
            let content = length < 0 ? nil : UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
            array.append(try Self(cell: PostgresCell(result: cell.result, column: cell.column, type: type, bytes: content)))
            position += Swift.max(length, 0)
        }
        return array
    }
}

/// What precedes the elements: dimensions, a flag, the elements' type; then, for its one dimension, the count and the lower bound.
private enum ArrayHeader {
    static let size = 20
    static let lowerBound: Int32 = 1

    /// For types that the module knows, the type decides whether it is a scalar or an array; for others the bytes decide.
    static func canPrecede(_ type: SQLType) -> Bool {
        switch type {
        case .bool, .bytea, .char, .name, .int8, .int2, .int4, .text, .oid, .json, .xml, .float4, .float8, .unknown, .bpchar, .varchar,
            .date, .timestamp, .timestamptz, .numeric, .uuid, .jsonb:
            false
        default: true
        }
    }
}

extension Optional: PostgresArrayEncodable where Wrapped: PostgresEncodable & PostgresArrayEncodable {
    public static var arraySQLType: SQLType { Wrapped.arraySQLType }
}

extension Optional: PostgresArrayDecodable where Wrapped: PostgresDecodable & PostgresArrayDecodable {}

extension PostgresArrayEncodable where Self: RawRepresentable, RawValue: PostgresArrayEncodable {
    public static var arraySQLType: SQLType { RawValue.arraySQLType }
}

/// A byte is no value of its own: an array of bytes is one, `bytea`.
extension UInt8: PostgresArrayEncodable, PostgresArrayDecodable {
    public static var arraySQLType: SQLType { .bytea }

    public static func encode(_ array: [UInt8], to encoder: inout PostgresEncoder) {
        encoder.encode { $0.append(contentsOf: array) }
    }

    public static func array(from cell: PostgresCell) throws(PostgresError) -> [UInt8] {
        let bytes = try cell.content(for: [UInt8].self)
        guard cell.type == .bytea else { throw cell.mismatch([UInt8].self) }
        return Array(bytes)
    }
}

extension Array: PostgresArrayEncodable where Element == UInt8 {
    public static var arraySQLType: SQLType { .byteaArray }
}

extension Array: PostgresArrayDecodable where Element == UInt8 {}
