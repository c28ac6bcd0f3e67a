import Messaging
import YAML

/// One operation: what it does, what it takes, what it answers, and a form to try it.
struct OperationPage {
    let reference: Reference
    let operation: Reference.Operation

    private var endpoint: Endpoint { operation.endpoint }

    func html() throws(OpenAPIError) -> String {
        let parameters = try OperationParameter.all(of: operation, in: reference.document)
        let example = try RequestExample(operation, parameters)
        return """
            <article class="operation">
            <header>
            <h1>\(HTML.escape(operation.summary))</h1>
            <p class="endpoint">\(MethodBadge.html(endpoint.method)) <code>\(BreakablePath.html(endpoint.path))</code></p>
            <p class="facts">\(facts)</p>
            \(reference.html.prose(try operation.node.value("description")?.text() ?? ""))
            </header>
            <div class="aside">
            \(RequestSamples(example: example).html())
            </div>
            <div class="body">
            \(Self.parameters(parameters, reference.html))
            \(try body())
            \(TryForm(endpoint: endpoint, parameters: parameters, body: example.body).html())
            \(try answers())
            \(try errors())
            </div>
            </article>
            """
    }

    private var facts: String {
        var facts: [String] = []
        switch endpoint.role {
        case .public: facts.append(endpoint.signature == nil ? "Public" : "Signed by the sender")
        case .customer: facts.append("Needs a <a href=\"\(Reference.concepts)#sessions-and-guests\">session</a>")
        case .admin: facts.append("For <a href=\"\(Reference.concepts)#sessions-and-guests\">administrators</a>")
        }
        facts.append("Answers within \(Int(endpoint.deadline.seconds)) s")
        let key = "<a href=\"\(Reference.concepts)#idempotency\">Idempotency-Key</a>"
        if endpoint.requiresIdempotencyKey { facts.append("\(key) required") }
        switch endpoint.guestKey {
        case .path(let name), .query(let name), .body(let name): facts.append("A guest's key counts per <code>\(HTML.escape(name))</code>")
        case nil: break
        }
        return facts.joined(separator: " · ") + " · <code>\(HTML.escape(endpoint.operationID))</code>"
    }

    private static func parameters(_ parameters: [OperationParameter], _ html: HTML) -> String {
        guard !parameters.isEmpty else { return "" }
        let items = parameters.map { parameter in
            let type = parameter.schema.map { SchemaType.html($0.node) } ?? ""
            let bounds = parameter.schema.map { SchemaType.bounds($0.node) } ?? ""
            let details = [html.inline(parameter.description), bounds].filter { !$0.isEmpty }.joined(separator: " ")
            return """
                <li><div class="field"><code>\(HTML.escape(parameter.name))</code> <span class="type">\(HTML.escape(parameter.place)), \(type)</span>\
                \(parameter.isRequired ? " <span class=\"required\">required</span>" : "")</div><div class="detail">\(details)</div></li>
                """
        }
        return "<h2 id=\"parameters\">Parameters</h2><ul class=\"fields\">\(items.joined(separator: "\n"))</ul>"
    }

    private func body() throws(OpenAPIError) -> String {
        guard let content = try operation.node.value("requestBody")?.required("content") else { return "" }
        return "<h2 id=\"body\">Request body</h2>" + (try media(content))
    }

    private func answers() throws(OpenAPIError) -> String {
        var html = "<h2 id=\"answers\">Answers</h2>"
        var shown: Set<String> = []
        for (status, response) in try operation.node.required("responses").entries() where status.hasPrefix("2") || status.hasPrefix("3") {
            let response = try response.resolved()
            let headers = try response.value("headers")?.entries() ?? []
            html += "<h3><span class=\"status\">\(HTML.escape(status))</span> \(reference.html.inline(try response.value("description")?.text() ?? ""))</h3>"
            if !headers.isEmpty {
                html += "<p class=\"headers\">Headers: \(headers.map { "<code>\(HTML.escape($0.key))</code>" }.joined(separator: ", "))</p>"
            }
            guard let content = try response.value("content") else { continue }
            let schema = try content.entries().first.flatMap { $0.value.node["schema"] }.flatMap(SchemaType.reference)
            html += try media(content, isKnown: schema.map { !shown.insert($0).inserted } ?? false)
        }
        return html
    }

    private func errors() throws(OpenAPIError) -> String {
        let types = try reference.problems.types(of: operation.node)
        var rows: [String] = []
        for type in types {
            rows.append(
                "<dt><span class=\"status\">\(HTML.escape(type.status))</span> <a href=\"\(Reference.errors)#\(type.name)\"><code>\(type.name)</code></a></dt>"
                    + "<dd>\(reference.html.inline(type.description))</dd>")
        }
        for (status, response) in try operation.node.required("responses").entries() where status.hasPrefix("4") || status.hasPrefix("5") {
            let response = try response.resolved()
            guard !CommonResponse.isCommon(response), !types.contains(where: { $0.status == status }) else { continue }
            rows.append(
                "<dt><span class=\"status\">\(HTML.escape(status))</span></dt><dd>\(reference.html.inline(try response.value("description")?.text() ?? ""))</dd>")
        }
        let own = rows.isEmpty ? "" : "<dl class=\"problems\">\(rows.joined(separator: "\n"))</dl>"
        return """
            <h2 id="errors">Errors</h2>\(own)
            <p>\(rows.isEmpty ? "Only the" : "Also the") <a href="\(Reference.errors)#everywhere">statuses that any operation may return</a>.</p>
            """
    }

    /// Schema and example of each media type. `isKnown`: the schema stands above.
    private func media(_ content: DocumentNode, isKnown: Bool = false) throws(OpenAPIError) -> String {
        var html = ""
        for (type, media) in try content.entries() {
            html += "<p class=\"media\"><code>\(HTML.escape(type))</code></p>"
            if isKnown {
                html += "<p>The same fields as above.</p>"
            } else if type.hasSuffix("json"), let schema = media.node["schema"] {
                let schema = media.with(schema)
                html += reference.html.prose(try schema.resolved().value("description")?.text() ?? "")
                html += try SchemaFields(html: reference.html).list(of: schema)
            }
            if let example = try ExampleText.of(media, type: type) {
                html += "<details class=\"example\" open><summary>Example</summary>\(HTML.preformatted(example))</details>"
            }
        }
        return html
    }
}

/// The example of a media type: its own, or the first of its schema.
enum ExampleText {
    static func node(_ media: DocumentNode) throws(OpenAPIError) -> YAMLNode? {
        let general = try media.value("schema")?.value("examples")?.elements().first
        return try media.value("example")?.node ?? general?.node
    }

    static func of(_ media: DocumentNode, type: String) throws(OpenAPIError) -> String? {
        try node(media).map { isJSON(type) ? JSONText.indented($0) : $0.scalar ?? "" }
    }

    static func isJSON(_ type: String) -> Bool { type == "application/json" }
}
