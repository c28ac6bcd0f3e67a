import YAML

/// The type of a schema in words.
enum SchemaType {
    /// The name that a `$ref` leads to.
    static func reference(_ node: YAMLNode) -> String? {
        node["$ref"]?.scalar?.split(separator: "/").last.map(String.init)
    }

    /// `string (uuid)`, `list of object`, `string or null`.
    static func html(_ node: YAMLNode) -> String {
        if let constant = node["const"]?.scalar { return "always <code>\(HTML.escape(constant))</code>" }
        let names = node["type"]?.scalar.map { [$0] } ?? node["type"]?.sequence?.compactMap(\.scalar) ?? []
        var text = names.map { name($0, node) }.joined(separator: " or ")
        if text.isEmpty { text = node["oneOf"] == nil ? "object" : (node["oneOf"]?.sequence ?? []).map(html).joined(separator: " or ") }
        if let format = node["format"]?.scalar { text += " (\(HTML.escape(format)))" }
        return text
    }

    private static func name(_ type: String, _ node: YAMLNode) -> String {
        guard type == "array" else { return HTML.escape(type) }
        let items = node["items"].map { reference($0) == nil ? html($0) : "" } ?? ""
        return items.isEmpty ? "list" : "list of \(items)"
    }

    /// What values it takes: `One of a, b. 1 to 100 · default 20`
    static func bounds(_ node: YAMLNode) -> String {
        var sentences: [String] = []
        if let choices = node["enum"]?.sequence {
            let values = choices.compactMap { $0.scalar.map { "<code>\(HTML.escape($0))</code>" } }
            sentences.append(values.count == 1 ? "Always \(values.joined())." : "One of \(values.joined(separator: ", ")).")
        }
        if let examples = node["examples"]?.sequence?.compactMap(\.scalar), !examples.isEmpty {
            sentences.append("For example \(examples.map { "<code>\(HTML.escape($0))</code>" }.joined(separator: ", ")).")
        }
        let limits = ranges.compactMap { range(node, $0) } + others.compactMap { key, wording in node[key]?.scalar.map { wording.replacing("#", with: HTML.escape($0)) } }
        if !limits.isEmpty { sentences.append("<span class=\"limits\">\(limits.joined(separator: " · "))</span>") }
        return sentences.joined(separator: " ")
    }

    private static func range(_ node: YAMLNode, _ keys: (least: String, most: String, of: String)) -> String? {
        let text: String
        switch (node[keys.least]?.scalar.map(HTML.escape), node[keys.most]?.scalar.map(HTML.escape)) {
        case (let least?, let most?): text = least == most ? least : "\(least) to \(most)"
        case (let least?, nil): text = "at least \(least)"
        case (nil, let most?): text = "at most \(most)"
        case (nil, nil): return nil
        }
        return text + keys.of
    }

    private static let ranges = [
        (least: "minimum", most: "maximum", of: ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " members"),
    ]
    private static let others = [(key: "pattern", wording: "pattern <code>#</code>"), ("default", "default <code>#</code>")]
}
