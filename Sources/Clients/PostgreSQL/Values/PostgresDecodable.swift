/// A value that can be read from a row.
///
/// The counterpart of `PostgresEncodable`, for the same types. Only an optional takes NULL. Whole numbers are read from any integer type, and
/// from `numeric` (which is what `sum` gives), when the value fits; `String` also from `varchar`, `json`, enums and `citext`.
public protocol PostgresDecodable: Sendable {
    init(cell: PostgresCell) throws(PostgresError)
}

/// A value that can be read as part of an array.
public protocol PostgresArrayDecodable: Sendable {
    static func array(from cell: PostgresCell) throws(PostgresError) -> [Self]
}

/// One value of a result, not read yet.
///
/// Its pointer leads into the result, which the cell keeps alive and which never changes.
@safe
public struct PostgresCell {
    let result: QueryResult
    let column: Int
    public let type: SQLType
    /// nil is NULL.
    let bytes: UnsafeRawBufferPointer?

    public var isNull: Bool { bytes == nil }

    /// The error for a value that cannot be read as `asked`: names the column, its type and why.
    public func mismatch(_ asked: Any.Type, _ reason: String? = nil) -> PostgresError {
        var message = "column \"\(result.columns.names[column])\" (\(result.columns.types[column])) cannot be read as \(asked)"
        if type != result.columns.types[column] { message += ": its elements are \(type)" }
        if let reason { message += ": \(reason)" }
        var error = PostgresError(.decoding, message)
        error.column = result.columns.names[column]
        return error
    }

    func content(for asked: Any.Type) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard let bytes else { throw mismatch(asked, "it is NULL") }
        return bytes
    }

    func integer<Integer: FixedWidthInteger>(
        at offset: Int, of bytes: UnsafeRawBufferPointer, as: Integer.Type = Integer.self
    ) throws(PostgresError) -> Integer {
        guard offset + MemoryLayout<Integer>.size <= bytes.count else { throw mismatch(Integer.self, "it is \(bytes.count) bytes long") }
        var integer: Integer = 0
        withUnsafeMutableBytes(of: &integer) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + $0.count])) }
        return Integer(bigEndian: integer)
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init(cell: PostgresCell) throws(PostgresError) {
        self = cell.isNull ? nil : try Wrapped(cell: cell)
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public init(cell: PostgresCell) throws(PostgresError) {
        guard let value = Self(rawValue: try RawValue(cell: cell)) else { throw cell.mismatch(Self.self, "it has no such value") }
        self = value
    }
}
