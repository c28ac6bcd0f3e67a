/// A reply of Redis.
public enum RedisValue: Sendable, Equatable {
    /// Bytes of any kind: the value of a GET.
    case string([UInt8])
    case integer(Int64)
    /// Nothing: the GET of a key that is not there.
    case null
    case array([RedisValue])
    /// Occurs inside arrays only; see ``KeyValueStore/command(_:)``.
    case error(String)
    /// A short word, such as `OK`.
    case status(String)
}

extension RedisValue {
    /// What a string or a status says, its UTF-8 repaired where it is broken; nil for anything else.
    public var text: String? {
        switch self {
        case .string(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        case .integer, .null, .array, .error: nil
        }
    }

    /// The bytes of a string; nil for anything else.
    public var bytes: [UInt8]? {
        if case .string(let bytes) = self { bytes } else { nil }
    }

    /// An integer, or the one that a string spells; nil for anything else.
    public var number: Int64? {
        if case .integer(let number) = self { number } else { text.flatMap { Int64($0) } }
    }

    /// The elements of an array; nil for anything else.
    public var elements: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var isNull: Bool { self == .null }
}
