/// A form that sends the operation's request to the shop that served the page. It is visible only where scripts run.
struct TryForm {
    let endpoint: Endpoint
    let parameters: [OperationParameter]
    let body: RequestExample.Body?

    func html() -> String {
        // A request that its sender signs cannot be sent from here.
        guard endpoint.signature == nil else { return "" }
        return """
            <section class="try" hidden aria-labelledby="try">
            <h2 id="try">Try it</h2>
            <p>This sends a real request to this shop.\(endpoint.method == "GET" ? "" : " It changes what is stored here.")</p>
            <form data-method="\(endpoint.method)" data-path="\(HTML.escape(endpoint.path))" data-operation="\(endpoint.operationID)">
            \(endpoint.role == .public ? "" : token)
            \(parameters.map(field).joined(separator: "\n"))
            \(bodyField)
            <p><button type="submit">Send</button></p>
            </form>
            <div class="answer" aria-live="polite"></div>
            </section>
            """
    }

    private var token: String {
        """
        <div><label for="try-token">Session token</label>
        <input id="try-token" name="token" autocomplete="off" spellcheck="false" aria-describedby="try-token-help">
        <p class="help" id="try-token-help">\(endpoint.role == .admin ? "Of an administrator. " : "")From <a href="\(Reference.page(of: "users.sessions.create"))">signing in</a>;
        signing in on that page fills this in, in this tab only.</p></div>
        """
    }

    private func field(_ parameter: OperationParameter) -> String {
        let id = "try-\(parameter.place)-\(parameter.name)".replacing(".", with: "-")
        let value = parameter.isRequired ? parameter.example ?? "" : ""
        let example = parameter.isRequired ? "" : " placeholder=\"\(HTML.escape(parameter.example ?? ""))\""
        return """
            <div><label for="\(HTML.escape(id))"><code>\(HTML.escape(parameter.name))</code> <span>\(HTML.escape(parameter.place))</span></label>
            <input id="\(HTML.escape(id))" data-in="\(HTML.escape(parameter.place))" data-name="\(HTML.escape(parameter.name))" value="\(HTML.escape(value))"\(example) autocomplete="off" \
            spellcheck="false"\(parameter.isRequired ? " required" : "")></div>
            """
    }

    private var bodyField: String {
        let text: String
        switch body {
        case .json(let node): text = JSONText.indented(node)
        case .file(_, let example): text = example
        case nil: return ""
        }
        let rows = min(max(text.split(separator: "\n", omittingEmptySubsequences: false).count, Self.minimumRows), Self.maximumRows)
        return """
            <div><label for="try-body">Body <span>\(HTML.escape(body?.type ?? ""))</span></label>
            <textarea id="try-body" data-type="\(HTML.escape(body?.type ?? ""))" rows="\(rows)" spellcheck="false">\(HTML.escape(text))</textarea></div>
            """
    }

    private static let minimumRows = 3
    private static let maximumRows = 16
}
