import YAML

/// The problem types, and the answers that any operation may give.
struct ErrorPage {
    let reference: Reference

    func html() throws(OpenAPIError) -> String {
        var operations: [String: [String]] = [:]
        for operation in reference.operations {
            for type in try reference.problems.types(of: operation.node) {
                operations[type.name, default: []].append("<a href=\"\(operation.page)\">\(HTML.escape(operation.summary))</a>")
            }
        }
        return """
            <h1>Problem types</h1>
            <p>The <code>type</code> of an error is <code>\(ProblemCatalogue.base)</code> followed by one of these names. Programs should check <code>type</code>;
            <code>detail</code> is for people. <a href="\(Reference.concepts)#errors">Concepts</a> describes how to handle errors.</p>
            <h2 id="types">All types</h2>
            <dl class="problems">
            \(reference.problems.types.map { entry($0, operations[$0.name] ?? []) }.joined(separator: "\n"))
            </dl>
            <h2 id="everywhere">Statuses that any operation may return</h2>
            <p>The pages of the operations do not repeat these.</p>
            <dl class="problems">\(try common())</dl>
            <h2 id="fields">Fields of a problem</h2>
            \(try fields())
            """
    }

    private func entry(_ type: ProblemCatalogue.ProblemType, _ operations: [String]) -> String {
        let met = operations.isEmpty ? "" : "<dd class=\"met\">\(operations.joined(separator: " · "))</dd>"
        return """
            <dt id="\(HTML.escape(type.name))"><code>\(HTML.escape(type.name))</code> <span class="status">\(HTML.escape(type.status))</span></dt>\
            <dd>\(reference.html.inline(type.description))</dd>\(met)
            """
    }

    private func common() throws(OpenAPIError) -> String {
        var entries: [(status: String, description: String)] = []
        for operation in reference.operations {
            for (status, response) in try operation.node.required("responses").entries() {
                let response = try response.resolved()
                guard CommonResponse.isCommon(response), !entries.contains(where: { $0.status == status }) else { continue }
                entries.append((status, try response.value("description")?.text() ?? ""))
            }
        }
        return entries.sorted { $0.status < $1.status }.map { entry in
            "<dt><span class=\"status\">\(HTML.escape(entry.status))</span></dt><dd>\(reference.html.inline(entry.description))</dd>"
        }.joined(separator: "\n")
    }

    private func fields() throws(OpenAPIError) -> String {
        guard let problem = try reference.document.value("components")?.value("schemas")?.value("Problem") else { return "" }
        return try SchemaFields(html: reference.html).list(of: problem)
    }
}

/// A response that the document marks as common to all operations (`x-common`). It is described once.
enum CommonResponse {
    static func isCommon(_ response: DocumentNode) -> Bool { response.node["x-common"]?.scalar == "true" }
}
