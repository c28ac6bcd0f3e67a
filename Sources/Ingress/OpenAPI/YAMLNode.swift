/// A value of a YAML document, and where it stands.
struct YAMLNode: Sendable {
    indirect enum Value: Sendable {
        /// `isPlain` is false for a text in quotes or in a block, which is a text whatever it looks like.
        case scalar(String, isPlain: Bool)
        /// In the order of the document; keys are unique.
        case mapping([(key: String, value: YAMLNode)])
        case sequence([YAMLNode])
    }

    let value: Value
    /// Counted from 1.
    let line: Int

    var scalar: String? {
        if case .scalar(let text, _) = value { text } else { nil }
    }

    var mapping: [(key: String, value: YAMLNode)]? {
        if case .mapping(let members) = value { members } else { nil }
    }

    var sequence: [YAMLNode]? {
        if case .sequence(let elements) = value { elements } else { nil }
    }

    /// The value of a key; nil when this is no mapping or has no such key.
    subscript(key: String) -> YAMLNode? {
        mapping?.first { $0.key == key }?.value
    }
}
