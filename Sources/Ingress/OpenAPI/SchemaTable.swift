/// A schema on the reference page: a table of its properties.
struct SchemaTable {
    let schema: DocumentNode

    func html() throws(OpenAPIError) -> String {
        var html = ""
        for part in try schema.value("allOf")?.elements() ?? [] { html += try SchemaTable(schema: part).html() }
        guard let properties = try schema.value("properties") else { return html.isEmpty ? "<p>\(type())</p>" : html }
        var required: Set<String> = []
        for name in try schema.value("required")?.elements() ?? [] { required.insert(try name.text()) }
        html += "<table><tr><th>Field</th><th>Type</th><th></th></tr>"
        for (name, property) in try properties.entries() {
            let description = try property.resolved().value("description")?.text() ?? ""
            html += """
                <tr><td><code>\(HTML.escape(name))</code>\(required.contains(name) ? " required" : "")</td>\
                <td>\(Self.type(of: property.node))</td><td>\(HTML.inline(description))</td></tr>
                """
        }
        return html + "</table>"
    }

    func type() -> String { Self.type(of: schema.node) }

    /// The type with its bounds; a `$ref` becomes a link.
    static func type(of node: YAMLNode) -> String {
        guard node.mapping != nil else { return "" }
        if let reference = node["$ref"]?.scalar, let name = reference.split(separator: "/").last {
            return "<a href=\"#schema-\(HTML.escape(String(name)))\">\(HTML.escape(String(name)))</a>"
        }
        var text = HTML.escape(node["type"]?.scalar ?? "")
        if let items = node["items"] { text += " of \(type(of: items))" }
        if let format = node["format"]?.scalar { text += " (\(HTML.escape(format)))" }
        if let choices = node["enum"]?.sequence {
            text += ": " + choices.compactMap { $0.scalar.map { "<code>\(HTML.escape($0))</code>" } }.joined(separator: ", ")
        }
        for (key, name) in bounds {
            if let value = node[key]?.scalar { text += ", \(name) \(HTML.escape(value))" }
        }
        return text
    }

    private static let bounds: [(key: String, name: String)] = [
        ("minimum", "at least"), ("maximum", "at most"), ("minLength", "length at least"), ("maxLength", "length at most"),
        ("maxItems", "items at most"), ("pattern", "pattern"), ("default", "default"),
    ]
}
