import YAML

/// A position in the document and its value. Reads throw an ``OpenAPIError`` that says where.
struct DocumentNode {
    /// How long a chain of `$ref`s may be.
    static let maximumReferences = 8

    let node: YAMLNode
    let root: YAMLNode
    let file: String
    let place: String

    func error(_ message: String) -> OpenAPIError {
        OpenAPIError(file: file, line: node.line, place: place, message: message)
    }

    func at(_ place: String) -> DocumentNode {
        DocumentNode(node: node, root: root, file: file, place: place)
    }

    /// Another value of the same document.
    func with(_ node: YAMLNode) -> DocumentNode {
        DocumentNode(node: node, root: root, file: file, place: place)
    }

    /// The value of `key`, with its `$ref` resolved.
    func value(_ key: String) throws(OpenAPIError) -> DocumentNode? {
        guard let found = node[key] else { return nil }
        return try with(found).resolved()
    }

    func required(_ key: String) throws(OpenAPIError) -> DocumentNode {
        guard let found = try value(key) else { throw error("'\(key)' is missing") }
        return found
    }

    func entries() throws(OpenAPIError) -> [(key: String, value: DocumentNode)] {
        guard let mapping = node.mapping else { throw error("a mapping is expected") }
        return mapping.map { ($0.key, with($0.value)) }
    }

    func elements() throws(OpenAPIError) -> [DocumentNode] {
        guard let sequence = node.sequence else { throw error("a list is expected") }
        var elements: [DocumentNode] = []
        for element in sequence { elements.append(try with(element).resolved()) }
        return elements
    }

    func text() throws(OpenAPIError) -> String {
        guard let text = node.scalar else { throw error("a text is expected") }
        return text
    }

    func choice<Choice: RawRepresentable<String>>(_ key: String, of choices: [Choice]) throws(OpenAPIError) -> Choice? {
        guard let found = try value(key) else { return nil }
        let text = try found.text()
        guard let choice = choices.first(where: { $0.rawValue == text }) else {
            let accepted = choices.map(\.rawValue).joined(separator: ", ")
            throw found.error("'\(key)' is '\(text)'; accepted: \(accepted)")
        }
        return choice
    }

    /// A number in `range`.
    func number(_ key: String, in range: ClosedRange<Double>) throws(OpenAPIError) -> Double? {
        guard let found = try value(key) else { return nil }
        guard let number = Double(try found.text()), range.contains(number) else {
            throw found.error("'\(key)' must be a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
        return number
    }

    /// Whether `key` is there; its only valid value is `only`.
    func flag(_ key: String, only: String) throws(OpenAPIError) -> Bool {
        guard let found = try value(key) else { return false }
        guard try found.text() == only else { throw found.error("'\(key)' can only be '\(only)'") }
        return true
    }

    func resolved() throws(OpenAPIError) -> DocumentNode {
        var current = node
        for _ in 0..<Self.maximumReferences {
            guard let reference = current["$ref"]?.scalar else { return with(current) }
            guard reference.hasPrefix("#/") else { throw error("'\(reference)' leads out of the document") }
            var target: YAMLNode? = root
            for part in reference.dropFirst(2).split(separator: "/") { target = target?[String(part)] }
            guard let target else { throw error("'\(reference)' leads nowhere") }
            current = target
        }
        throw error("its '$ref's lead in a circle")
    }
}
