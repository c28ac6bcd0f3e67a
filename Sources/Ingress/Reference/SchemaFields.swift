import YAML

/// A schema as a list of its fields. Nested objects are shown in place.
struct SchemaFields {
    /// Deeper objects are named only.
    private static let maximumDepth = 6

    let html: HTML

    /// The list of an object's fields, or of those of a list's items; a line for any other schema.
    func list(of schema: DocumentNode) throws(OpenAPIError) -> String {
        if let fields = try fields(of: schema, inside: []) { return fields }
        return "<p>\(SchemaType.html(try schema.resolved().node))</p>"
    }

    /// Nil for a schema without fields. `names` are the schemas around it.
    private func fields(of schema: DocumentNode, inside names: [String]) throws(OpenAPIError) -> String? {
        let resolved = try schema.resolved()
        let names = names + (SchemaType.reference(schema.node).map { [$0] } ?? [])
        if let items = resolved.node["items"] { return try fields(of: resolved.with(items), inside: names) }
        if let choices = try resolved.value("oneOf")?.elements() {
            var lists = ""
            for choice in choices { lists += try fields(of: choice, inside: names) ?? "" }
            return lists.isEmpty ? nil : lists
        }
        let (properties, required) = try Self.properties(of: resolved)
        if properties.isEmpty, let other = resolved.node["additionalProperties"], other.mapping != nil {
            return try fields(of: resolved.with(other), inside: names)
        }
        guard !properties.isEmpty, names.count < Self.maximumDepth else { return nil }
        var list = "<ul class=\"fields\">"
        for (name, node) in properties {
            list += try field(name, resolved.with(node), isRequired: required.contains(name), inside: names)
        }
        return list + "</ul>"
    }

    private func field(_ name: String, _ property: DocumentNode, isRequired: Bool, inside names: [String]) throws(OpenAPIError) -> String {
        let resolved = try property.resolved()
        // A description beside a `$ref` is about this use.
        let description = property.node["description"]?.scalar ?? resolved.node["description"]?.scalar ?? ""
        let reference = SchemaType.reference(property.node) ?? property.node["items"].flatMap(SchemaType.reference)
        let isInside = reference.map(names.contains) ?? false
        let nested = isInside ? nil : try fields(of: property, inside: names)
        let details = [isInside ? "As above." : "", html.inline(description), SchemaType.bounds(resolved.node)].filter { !$0.isEmpty }
        return """
            <li><div class="field"><code>\(HTML.escape(name))</code> <span class="type">\(SchemaType.html(resolved.node))</span>\
            \(isRequired ? " <span class=\"required\">required</span>" : "")</div>\
            \(details.isEmpty ? "" : "<div class=\"detail\">\(details.joined(separator: " "))</div>")\(nested ?? "")</li>
            """
    }

    /// The properties of a schema and of all that it is made of; later parts add to earlier ones.
    private static func properties(of schema: DocumentNode) throws(OpenAPIError) -> (properties: [(String, YAMLNode)], required: Set<String>) {
        var properties: [(String, YAMLNode)] = []
        var required: Set<String> = []
        for part in try schema.value("allOf")?.elements() ?? [] {
            let (inner, needed) = try Self.properties(of: part)
            for (name, node) in inner { add(name, node, to: &properties) }
            required.formUnion(needed)
        }
        for (name, node) in schema.node["properties"]?.mapping ?? [] { add(name, node, to: &properties) }
        for name in schema.node["required"]?.sequence ?? [] { if let name = name.scalar { required.insert(name) } }
        return (properties, required)
    }

    private static func add(_ name: String, _ node: YAMLNode, to properties: inout [(String, YAMLNode)]) {
        guard let index = properties.firstIndex(where: { $0.0 == name }) else { return properties.append((name, node)) }
        let earlier = properties[index].1.mapping ?? []
        let added = node.mapping ?? []
        let merged = earlier.filter { member in !added.contains { $0.key == member.key } } + added
        properties[index].1 = YAMLNode(value: .mapping(merged), line: node.line)
    }
}
