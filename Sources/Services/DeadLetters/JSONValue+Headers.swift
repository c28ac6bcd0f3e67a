import AMQP
import JSON
import Messaging
import Secrets

extension JSONValue {
    /// A header's value for display: values without a JSON form become text.
    init(_ value: FieldValue) {
        switch value {
        case .string(let text): self = .string(text.storable)
        case .integer(let number), .timestamp(let number): self = .integer(Int(clamping: number))
        case .double(let number): self = number.isFinite ? .number(number) : .string("\(number)")
        case .boolean(let value): self = .boolean(value)
        case .bytes(let bytes): self = .string("base64:\(Base64.encode(bytes))")
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
