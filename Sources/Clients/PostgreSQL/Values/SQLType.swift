/// A PostgreSQL type by its object id. The ids of built-in types are the same in every database.
public struct SQLType: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let bool = SQLType(16)
    public static let bytea = SQLType(17)
    public static let char = SQLType(18)
    public static let name = SQLType(19)
    public static let int8 = SQLType(20)
    public static let int2 = SQLType(21)
    public static let int4 = SQLType(23)
    public static let text = SQLType(25)
    public static let oid = SQLType(26)
    public static let json = SQLType(114)
    public static let xml = SQLType(142)
    public static let float4 = SQLType(700)
    public static let float8 = SQLType(701)
    public static let unknown = SQLType(705)
    public static let bpchar = SQLType(1042)
    public static let varchar = SQLType(1043)
    public static let date = SQLType(1082)
    public static let timestamp = SQLType(1114)
    public static let timestamptz = SQLType(1184)
    public static let numeric = SQLType(1700)
    public static let uuid = SQLType(2950)
    public static let jsonb = SQLType(3802)

    public static let boolArray = SQLType(1000)
    public static let byteaArray = SQLType(1001)
    public static let int2Array = SQLType(1005)
    public static let int4Array = SQLType(1007)
    public static let textArray = SQLType(1009)
    public static let int8Array = SQLType(1016)
    public static let float8Array = SQLType(1022)
    public static let timestamptzArray = SQLType(1185)
    public static let uuidArray = SQLType(2951)
    public static let jsonbArray = SQLType(3807)

    /// Types made by CREATE TYPE and by extensions (enums, citext) have ids from here on, other in every database.
    static let firstUserDefined: UInt32 = 16_384

    private static let names: [SQLType: String] = [
        .bool: "boolean", .bytea: "bytea", .char: "\"char\"", .name: "name", .int8: "bigint", .int2: "smallint", .int4: "integer",
        .text: "text", .oid: "oid", .json: "json", .xml: "xml", .float4: "real", .float8: "double precision", .unknown: "unknown",
        .bpchar: "char(n)", .varchar: "varchar", .date: "date", .timestamp: "timestamp without time zone", .timestamptz: "timestamptz",
        .numeric: "numeric", .uuid: "uuid", .jsonb: "jsonb", .boolArray: "boolean[]", .byteaArray: "bytea[]", .int2Array: "smallint[]",
        .int4Array: "integer[]", .textArray: "text[]", .int8Array: "bigint[]", .float8Array: "double precision[]",
        .timestamptzArray: "timestamptz[]", .uuidArray: "uuid[]", .jsonbArray: "jsonb[]",
    ]
}

extension SQLType: CustomStringConvertible {
    public var description: String {
        Self.names[self] ?? "type \(rawValue)"
    }
}
