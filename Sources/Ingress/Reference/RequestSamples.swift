/// A request in each language, as whole lines to paste.
struct RequestSamples {
    let example: RequestExample

    private var url: String { HTML.origin + example.path }

    func html() -> String {
        let samples = [("curl", curl), ("Swift", swift), ("Python", python), ("JavaScript", javaScript)]
        let choices = samples.enumerated().map { index, sample in
            let name = sample.0
            return "<label><input type=\"radio\" name=\"language\" value=\"\(name)\"\(index == 0 ? " checked" : "")> \(name)</label>"
        }
        let codes = samples.map { name, lines in
            "<div class=\"sample\" data-language=\"\(name)\">\(HTML.preformatted(lines.joined(separator: "\n")))</div>"
        }
        return """
            <section class="samples" aria-label="Request in several languages">
            <fieldset><legend>Request</legend>\(choices.joined())</fieldset>
            \(codes.joined(separator: "\n"))
            </section>
            """
    }

    /// Where a caller has to fill something in.
    private static let token = "$TOKEN"
    private static let key = "Idempotency-Key"

    private var curl: [String] {
        var lines = ["curl \(example.method == "GET" ? "" : "-X \(example.method) ")'\(url)'"]
        if example.needsToken { lines.append("  -H \"Authorization: Bearer \(Self.token)\"") }
        for (name, value) in example.headers { lines.append("  -H '\(name): \(value)'") }
        switch example.body {
        case .json(let node):
            lines.append("  -H 'Content-Type: application/json'")
            lines.append("  -d '\(JSONText.indented(node).replacing("'", with: "'\\''"))'")
        case .file(let type, _):
            lines.append("  -H 'Content-Type: \(type)'")
            lines.append("  --data-binary @\(Self.fileName(type))")
        case nil: break
        }
        return [lines.joined(separator: " \\\n")]
    }

    private var swift: [String] {
        var lines = ["import Foundation", "", "var request = URLRequest(url: URL(string: \"\(url)\")!)"]
        if example.method != "GET" { lines.append("request.httpMethod = \"\(example.method)\"") }
        func set(_ name: String, _ value: String) { lines.append("request.setValue(\(value), forHTTPHeaderField: \"\(name)\")") }
        if example.needsToken { set("Authorization", "\"Bearer \\(token)\"") }
        for (name, value) in example.headers { set(name, name == Self.key ? "UUID().uuidString" : "\"\(value)\"") }
        switch example.body {
        case .json(let node):
            set("Content-Type", "\"application/json\"")
            lines += ["request.httpBody = Data(#\"\"\"", JSONText.indented(node), "\"\"\"#.utf8)"]
        case .file(let type, _):
            set("Content-Type", "\"\(type)\"")
            lines.append("request.httpBody = try Data(contentsOf: URL(filePath: \"\(Self.fileName(type))\"))")
        case nil: break
        }
        return lines + [
            "let (body, response) = try await URLSession.shared.data(for: request)",
            "print((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: body, as: UTF8.self))",
        ]
    }

    private var python: [String] {
        let usesUUID = example.headers.contains { $0.name == Self.key }
        var lines = usesUUID ? ["import uuid", "", "import requests", ""] : ["import requests", ""]
        lines += ["response = requests.\(example.method.lowercased())(", "    \"\(url)\","]
        var headers = example.needsToken ? ["\"Authorization\": f\"Bearer {token}\""] : []
        for (name, value) in example.headers { headers.append("\"\(name)\": \(name == Self.key ? "str(uuid.uuid4())" : "\"\(value)\"")") }
        if case .file(let type, _) = example.body { headers.append("\"Content-Type\": \"\(type)\"") }
        if !headers.isEmpty { lines.append("    headers={\(headers.joined(separator: ", "))},") }
        switch example.body {
        case .json(let node): lines.append("    json=\(JSONText.indented(node, as: .python).replacing("\n", with: "\n    ")),")
        case .file(let type, _): lines.append("    data=open(\"\(Self.fileName(type))\", \"rb\"),")
        case nil: break
        }
        return lines + [")", "print(response.status_code, response.text)"]
    }

    private var javaScript: [String] {
        var headers = example.needsToken ? ["Authorization: `Bearer ${token}`"] : []
        for (name, value) in example.headers { headers.append("\"\(name)\": \(name == Self.key ? "crypto.randomUUID()" : "\"\(value)\"")") }
        if let type = example.body?.type { headers.append("\"Content-Type\": \"\(type)\"") }
        var options: [String] = []
        if example.method != "GET" { options.append("  method: \"\(example.method)\",") }
        if !headers.isEmpty { options.append("  headers: {\(headers.joined(separator: ", "))},") }
        switch example.body {
        case .json(let node): options.append("  body: JSON.stringify(\(JSONText.indented(node).replacing("\n", with: "\n  "))),")
        case .file: options.append("  body: file,")
        case nil: break
        }
        let call = options.isEmpty ? ["const response = await fetch(\"\(url)\");"] : ["const response = await fetch(\"\(url)\", {"] + options + ["});"]
        return call + ["console.log(response.status, await response.text());"]
    }

    private static func fileName(_ type: String) -> String { type == "text/csv" ? "products.csv" : "file" }
}
