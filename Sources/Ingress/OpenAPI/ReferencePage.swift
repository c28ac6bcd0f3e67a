/// The document as one HTML page for human readers, without scripts or external resources.
struct ReferencePage {
    let document: DocumentNode
    let endpoints: [Endpoint]

    /// Fails as the document does when a `$ref` leads nowhere.
    func html() throws(OpenAPIError) -> String {
        let info = try document.required("info")
        let title = HTML.escape(try info.value("title")?.text() ?? "API")
        let version = HTML.escape(try info.value("version")?.text() ?? "")
        let introduction = HTML.prose(try info.value("description")?.text() ?? "")
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title) API</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <nav>\(try navigation())</nav>
            <main>
            <h1>\(title) <small>\(version)</small></h1>
            \(introduction)
            <p><a href="/openapi.yaml">openapi.yaml</a> · <a href="/openapi.json">openapi.json</a></p>
            \(try sections())
            <h2 id="schemas">Schemas</h2>
            \(try schemas())
            </main>
            </body>
            </html>

            """
    }

    /// The operations of each tag, in the order of the document's tags.
    private func tagged() throws(OpenAPIError) -> [(name: String, description: String, operations: [(Endpoint, DocumentNode)])] {
        var byTag: [String: [(Endpoint, DocumentNode)]] = [:]
        let paths = try document.required("paths")
        for endpoint in endpoints {
            let operation = try paths.required(endpoint.path).required(endpoint.method.lowercased())
            let tag = try operation.value("tags")?.elements().first?.text() ?? ""
            byTag[tag, default: []].append((endpoint, operation))
        }
        var groups: [(name: String, description: String, operations: [(Endpoint, DocumentNode)])] = []
        for tag in try document.value("tags")?.elements() ?? [] {
            let name = try tag.required("name").text()
            groups.append((name, try tag.value("description")?.text() ?? "", byTag.removeValue(forKey: name) ?? []))
        }
        let rest = byTag.sorted { $0.key < $1.key }.flatMap(\.value)
        return rest.isEmpty ? groups : groups + [("other", "", rest)]
    }

    private func navigation() throws(OpenAPIError) -> String {
        var html = ""
        for group in try tagged() {
            html += "<h2>\(HTML.escape(group.name))</h2><ul>"
            for (endpoint, operation) in group.operations {
                let summary = try operation.value("summary")?.text() ?? endpoint.operationID
                html += "<li><a href=\"#\(endpoint.operationID)\">\(HTML.escape(summary))</a></li>"
            }
            html += "</ul>"
        }
        return html + "<h2><a href=\"#schemas\">schemas</a></h2>"
    }

    private func sections() throws(OpenAPIError) -> String {
        var html = ""
        for group in try tagged() {
            html += "<h2>\(HTML.escape(group.name))</h2>\(HTML.prose(group.description))"
            for (endpoint, operation) in group.operations {
                html += try OperationSection(endpoint: endpoint, operation: operation, document: document).html()
            }
        }
        return html
    }

    private func schemas() throws(OpenAPIError) -> String {
        var html = ""
        for (name, schema) in try document.value("components")?.value("schemas")?.entries() ?? [] {
            html += "<section id=\"schema-\(HTML.escape(name))\"><h3>\(HTML.escape(name))</h3>"
            html += HTML.prose(try schema.value("description")?.text() ?? "")
            html += try SchemaTable(schema: schema).html()
            html += "</section>"
        }
        return html
    }

    private static let style = """
        :root{color-scheme:light dark;--line:#8884;--soft:#8881}
        *{box-sizing:border-box}
        body{margin:0;display:grid;grid-template-columns:16rem minmax(0,1fr);font:16px/1.5 system-ui,sans-serif}
        nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line);font-size:.875rem}
        nav h2{font-size:.875rem;margin:1rem 0 .25rem;text-transform:capitalize}
        nav ul{list-style:none;margin:0;padding:0}
        main{padding:1rem 2rem 4rem;max-width:60rem}
        main>h2{text-transform:capitalize;margin-top:3rem;border-bottom:1px solid var(--line)}
        section{margin:2rem 0}
        code,pre{font:.875em ui-monospace,monospace}
        pre{background:var(--soft);padding:.75rem;overflow:auto;border-radius:.375rem}
        table{border-collapse:collapse;width:100%;font-size:.875rem;margin:.5rem 0}
        th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid var(--line)}
        .method{display:inline-block;min-width:4.5rem;font-weight:700}
        .facts{font-size:.875rem;opacity:.8}
        @media(max-width:48rem){body{display:block}nav{position:static;height:auto;border:0}main{padding:1rem}}
        """
}
