import Messaging

/// One operation on the reference page.
struct OperationSection {
    let endpoint: Endpoint
    let operation: DocumentNode
    let document: DocumentNode

    func html() throws(OpenAPIError) -> String {
        """
        <section id="\(endpoint.operationID)">
        <h3>\(HTML.escape(try operation.value("summary")?.text() ?? endpoint.operationID))</h3>
        <p><code><span class="method">\(endpoint.method)</span> \(HTML.escape(endpoint.path))</code></p>
        \(HTML.prose(try operation.value("description")?.text() ?? ""))
        <p class="facts">\(facts)</p>
        \(try parameters())\(try body())\(try responses())
        </section>

        """
    }

    private var facts: String {
        var facts = ["<code>\(endpoint.operationID)</code>"]
        switch endpoint.role {
        case .public: facts.append("for everybody")
        case .customer: facts.append("needs a session")
        case .admin: facts.append("for admins")
        }
        facts.append("answered within \(Int(endpoint.deadline.seconds)) s")
        if endpoint.requiresIdempotencyKey { facts.append("needs an <code>Idempotency-Key</code>") }
        switch endpoint.guestKey {
        case .path(let name): facts.append("a guest's key counts within <code>\(HTML.escape(name))</code> of the path")
        case .query(let name): facts.append("a guest's key counts within the parameter <code>\(HTML.escape(name))</code>")
        case .body(let name): facts.append("a guest's key counts within <code>\(HTML.escape(name))</code> of the body")
        case nil: break
        }
        return facts.joined(separator: " · ")
    }

    private func parameters() throws(OpenAPIError) -> String {
        let item = try document.required("paths").required(endpoint.path)
        var all = try item.value("parameters")?.elements() ?? []
        all += try operation.value("parameters")?.elements() ?? []
        guard !all.isEmpty else { return "" }
        var html = "<table><tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr>"
        for parameter in all {
            let isRequired = try parameter.value("required")?.text() == "true"
            let type = try parameter.value("schema").map { SchemaTable.type(of: $0.node) } ?? ""
            html += """
                <tr><td><code>\(HTML.escape(try parameter.required("name").text()))</code>\(isRequired ? " required" : "")</td>\
                <td>\(HTML.escape(try parameter.required("in").text()))</td><td>\(type)</td>\
                <td>\(HTML.inline(try parameter.value("description")?.text() ?? ""))</td></tr>
                """
        }
        return html + "</table>"
    }

    private func body() throws(OpenAPIError) -> String {
        guard let content = try operation.value("requestBody")?.required("content") else { return "" }
        return "<h4>Body</h4>" + (try media(content))
    }

    private func responses() throws(OpenAPIError) -> String {
        var html = "<h4>Responses</h4><table><tr><th>Status</th><th></th><th>Headers</th></tr>"
        var examples = ""
        for (status, response) in try operation.required("responses").entries() {
            let response = try response.resolved()
            let headers = try response.value("headers")?.entries().map { "<code>\(HTML.escape($0.key))</code>" } ?? []
            html += """
                <tr><td>\(HTML.escape(status))</td><td>\(HTML.inline(try response.value("description")?.text() ?? ""))</td>\
                <td>\(headers.joined(separator: " "))</td></tr>
                """
            if status.hasPrefix("2"), let content = try response.value("content") {
                examples += "<h4>\(HTML.escape(status))</h4>" + (try media(content))
            }
        }
        return html + "</table>" + examples
    }

    /// The schema of each media type, and its example.
    private func media(_ content: DocumentNode) throws(OpenAPIError) -> String {
        var html = ""
        for (type, media) in try content.entries() {
            let schema = media.node["schema"].map { SchemaTable.type(of: $0) } ?? ""
            html += "<p><code>\(HTML.escape(type))</code>: \(schema)</p>"
            let given = try media.value("example")
            let general = try media.value("schema")?.value("examples")?.elements().first
            if let example = given ?? general {
                html += "<pre>\(HTML.escape(JSONText.indented(example.node)))</pre>"
            }
        }
        return html
    }
}
