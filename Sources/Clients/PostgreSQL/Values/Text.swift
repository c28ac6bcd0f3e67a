extension String: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .text }
    public static var arraySQLType: SQLType { .textArray }

    public func encode(to encoder: inout PostgresEncoder) {
        encoder.encode { $0.append(contentsOf: utf8) }
    }

    public init(cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.content(for: String.self)
        let text: String? =
            switch cell.type {
            case .text, .varchar, .bpchar, .name, .json, .xml, .char, .unknown: String(validating: bytes, as: UTF8.self)
            case .jsonb: String(validating: bytes.dropFirst(JSONB.version.count), as: UTF8.self)
            // Enums and citext send their text; another user-defined type that is no text fails the validation.
            case let type where type.rawValue >= SQLType.firstUserDefined: String(validating: bytes, as: UTF8.self)
            default: throw cell.mismatch(String.self)
            }
        guard let text else { throw cell.mismatch(String.self, "it is not UTF-8") }
        self = text
    }
}

/// JSON as a column of type `jsonb` or `json` holds it: text that this module does not look into.
public struct JSONB: Hashable, Sendable {
    /// What precedes the text in the binary format of `jsonb`.
    static let version: [UInt8] = [1]

    /// UTF-8.
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(text: String) {
        bytes = Array(text.utf8)
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension JSONB: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .jsonb }
    public static var arraySQLType: SQLType { .jsonbArray }

    public func encode(to encoder: inout PostgresEncoder) {
        encoder.encode {
            $0.append(contentsOf: Self.version)
            $0.append(contentsOf: bytes)
        }
    }

    public init(cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.content(for: JSONB.self)
        switch cell.type {
        case .jsonb where bytes.starts(with: Self.version): self.init(bytes: Array(bytes.dropFirst(Self.version.count)))
        case .json: self.init(bytes: Array(bytes))
        default: throw cell.mismatch(JSONB.self)
        }
    }
}
