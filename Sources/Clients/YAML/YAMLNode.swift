/// A value of a YAML document, and where it stands.
public struct YAMLNode: Sendable {
    public indirect enum Value: Sendable {
        /// `isPlain` is false for a text in quotes or in a block, which is a text whatever it looks like.
        case scalar(String, isPlain: Bool)
        /// In the order of the document; keys are unique.
        case mapping([(key: String, value: YAMLNode)])
        case sequence([YAMLNode])
    }

    public let value: Value
    /// The line of the document, counted from 1.
    public let line: Int

    public init(value: Value, line: Int) {
        self.value = value
        self.line = line
    }

    public var scalar: String? {
        if case .scalar(let text, _) = value { text } else { nil }
    }

    public var mapping: [(key: String, value: YAMLNode)]? {
        if case .mapping(let members) = value { members } else { nil }
    }

    public var sequence: [YAMLNode]? {
        if case .sequence(let elements) = value { elements } else { nil }
    }

    /// The value of a key; nil when this is not a mapping or lacks the key.
    public subscript(key: String) -> YAMLNode? {
        mapping?.first { $0.key == key }?.value
    }
}
