import Yams

/// A place in the document and what is there. Reads throw an ``OpenAPIError`` that says where.
struct DocumentNode {
    /// How many `$ref`s may lead to one another.
    static let maximumReferences = 8

    let node: Node
    let root: Node
    let file: String
    let place: String

    func error(_ message: String) -> OpenAPIError {
        OpenAPIError(file: file, line: node.mark?.line, place: place, message: message)
    }

    func at(_ place: String) -> DocumentNode {
        DocumentNode(node: node, root: root, file: file, place: place)
    }

    private func child(_ node: Node) -> DocumentNode {
        DocumentNode(node: node, root: root, file: file, place: place)
    }

    /// The value of `key`, its `$ref` followed.
    func value(_ key: String) throws(OpenAPIError) -> DocumentNode? {
        guard let found = node.mapping?[Node(key)] else { return nil }
        return try child(found).resolved()
    }

    func required(_ key: String) throws(OpenAPIError) -> DocumentNode {
        guard let found = try value(key) else { throw error("'\(key)' is missing") }
        return found
    }

    func entries() throws(OpenAPIError) -> [(key: String, value: DocumentNode)] {
        guard let mapping = node.mapping else { throw error("a mapping is expected") }
        var entries: [(key: String, value: DocumentNode)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else { throw error("a key is not a text") }
            entries.append((name, child(value)))
        }
        return entries
    }

    func elements() throws(OpenAPIError) -> [DocumentNode] {
        guard let sequence = node.sequence else { throw error("a list is expected") }
        var elements: [DocumentNode] = []
        for element in sequence { elements.append(try child(element).resolved()) }
        return elements
    }

    func text() throws(OpenAPIError) -> String {
        guard let scalar = node.scalar else { throw error("a text is expected") }
        return scalar.string
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

    /// Whether `key` is there; its only value is `only`.
    func flag(_ key: String, only: String) throws(OpenAPIError) -> Bool {
        guard let found = try value(key) else { return false }
        guard try found.text() == only else { throw found.error("'\(key)' can only be '\(only)'") }
        return true
    }

    func resolved() throws(OpenAPIError) -> DocumentNode {
        var current = node
        for _ in 0..<Self.maximumReferences {
            guard let reference = current.mapping?[Node("$ref")]?.scalar?.string else { return child(current) }
            guard reference.hasPrefix("#/") else { throw error("'\(reference)' leads out of the document") }
            var target: Node? = root
            for part in reference.dropFirst(2).split(separator: "/") { target = target?.mapping?[Node(String(part))] }
            guard let target else { throw error("'\(reference)' leads nowhere") }
            current = target
        }
        throw error("its '$ref's lead in a circle")
    }
}
