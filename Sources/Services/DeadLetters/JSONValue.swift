import AMQP
import Secrets

/// JSON of any shape: what stands in `jsonb` columns.
enum JSONValue: Sendable, Equatable, Codable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue {
    /// A header's value for people: what JSON cannot say becomes text.
    init(_ value: FieldValue) {
        switch value {
        case .string(let text): self = .text(text.storable)
        case .integer(let number), .timestamp(let number): self = .integer(number)
        case .double(let number): self = number.isFinite ? .number(number) : .text("\(number)")
        case .boolean(let value): self = .boolean(value)
        case .bytes(let bytes): self = .text("base64:\(Base64.encode(bytes))")
        case .array(let values): self = .array(values.map(JSONValue.init))
        case .table(let values): self = .object(JSONValue.fields(values))
        case .null: self = .null
        }
    }

    static func fields(_ values: [String: FieldValue]) -> [String: JSONValue] {
        Dictionary(values.map { ($0.storable, JSONValue($1)) }, uniquingKeysWith: { first, _ in first })
    }
}

extension String {
    /// Without U+0000, which neither `text` nor `jsonb` can hold.
    var storable: String {
        guard utf8.contains(0) else { return self }
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars { scalars.append(scalar == "\u{0}" ? "\u{FFFD}" : scalar) }
        return String(scalars)
    }
}
