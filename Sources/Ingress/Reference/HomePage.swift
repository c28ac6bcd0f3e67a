/// The first page: what this is, a first order, and all operations.
struct HomePage {
    let reference: Reference

    func html() throws(OpenAPIError) -> String {
        let info = try reference.document.required("info")
        let version = HTML.escape(try info.value("version")?.text() ?? "")
        let summary = HTML.escape(try info.value("summary")?.text() ?? "")
        return """
            <h1>\(HTML.escape(reference.title)) API</h1>
            <p class="lead">\(summary)</p>
            <p class="facts">Version \(version) · <a href="/openapi.yaml">openapi.yaml</a> · <a href="/openapi.json">openapi.json</a></p>
            \(reference.html.prose(reference.introduction))
            <h2 id="operations">Operations</h2>
            \(reference.groups.map(table).joined())
            """
    }

    private func table(_ group: Reference.Group) -> String {
        let rows = group.operations.map { operation in
            """
            <li><a href="\(operation.page)">\(MethodBadge.html(operation.endpoint.method)) <code>\(BreakablePath.html(operation.endpoint.path))</code></a> \
            <span>\(HTML.escape(operation.summary))</span></li>
            """
        }
        return """
            <section><h3>\(HTML.escape(group.name))</h3>\(reference.html.prose(group.description))
            <ul class="operations">\(rows.joined(separator: "\n"))</ul></section>

            """
    }
}

/// A path that may break at its slashes.
enum BreakablePath {
    static func html(_ path: String) -> String { HTML.escape(path).replacing("/", with: "<wbr>/") }
}
