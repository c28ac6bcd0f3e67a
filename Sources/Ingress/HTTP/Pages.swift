import Contracts
import Messaging
import Secrets

/// Paths that the ingress answers without any message.
struct Pages: Sendable {
    private let requests: any Requesting
    private let drain: Drain
    private let documents: [String: Reply]

    init(document: OpenAPIDocument, requests: any Requesting, drain: Drain) throws(OpenAPIError) {
        self.requests = requests
        self.drain = drain
        var documents = [
            "/openapi.yaml": Self.page(document.yaml, "application/yaml"),
            "/openapi.json": Self.page(document.json(), "application/json"),
            Reference.style: Self.page(PackageResources.reference_css, "text/css; charset=utf-8"),
            Reference.script: Self.page(PackageResources.reference_js, "text/javascript; charset=utf-8"),
        ]
        for (path, page) in try document.reference() { documents[path] = Self.page(page, "text/html; charset=utf-8", policy: Self.policy) }
        self.documents = documents
    }

    /// A page of the reference may load its style and its script, and send requests to this shop.
    private static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

    private static let methods = ["GET", "HEAD", "OPTIONS"]
    private static let probes: Set<String> = ["/livez", "/readyz"]

    /// Nil when the path is not one of these.
    func reply(method: String, path: String) async throws(Refusal) -> Reply? {
        guard Self.probes.contains(path) || documents[path] != nil else { return nil }
        if method == "OPTIONS" { return Reply(status: 204, headers: ["allow": Self.methods.joined(separator: ", ")]) }
        guard Self.methods.contains(method) else { throw .methodNotAllowed(method, allowed: Self.methods) }
        if let document = documents[path] { return document }
        if path == "/readyz", drain.hasBegun { throw .unavailable("This process is about to stop.") }
        if path == "/readyz", await !requests.canSend { throw .unavailable("The broker accepts no requests at the moment, or replies cannot be received.") }
        let status = path == "/readyz" ? "ready" : "live"
        return Reply(
            status: 200, headers: ["cache-control": "no-store"], body: Array(#"{"status":"\#(status)"}"#.utf8))
    }

    private static func page(_ body: [UInt8], _ type: String, policy: String? = nil) -> Reply {
        let tag = SHA256.hex(body).prefix(entityTagDigits)
        var headers = ["content-type": type, "etag": "\"\(tag)\"", "cache-control": "no-cache"]
        headers["content-security-policy"] = policy
        return Reply(status: 200, headers: headers, body: body)
    }

    private static let entityTagDigits = 32
}
