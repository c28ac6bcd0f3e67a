import FoundationEssentials
import WebClient

/// RabbitMQ's management HTTP API.
public struct ManagementAPI: Sendable {
    /// Long enough to distinguish a hang from a busy machine.
    static let limit = Duration.seconds(180)

    let base: String
    private let credentials: String
    private let transport: any HTTPTransport

    init(base: String, user: String, password: String, transport: any HTTPTransport) {
        self.base = base
        self.credentials = "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        self.transport = transport
    }

    /// Sends a request, a body as JSON, and returns the body of the answer. Takes 30 seconds at most.
    /// - Parameter path: from `/api` on, percent-encoded (`/` as a virtual host is `%2F`).
    /// - Throws: ``LocalServerError`` with code `tool` for every status but 2xx, with the API's reason; `WebClientError`
    ///   when there is no answer.
    @discardableResult
    public func send(_ method: String, _ path: String, body: String? = nil) async throws -> String {
        let response = try await exchange(method, path, body: body)
        let text = String(decoding: response.body, as: UTF8.self)
        guard response.isSuccess else {
            throw LocalServerError(.tool, "RabbitMQ answered \(response.status) to \(method) \(path): \(text)")
        }
        return text
    }

    /// The same API with the rights of another user.
    public func user(_ user: String, password: String) -> ManagementAPI {
        ManagementAPI(base: base, user: user, password: password, transport: transport)
    }

    /// Whether a GET of the path is answered with a 2xx status now.
    func answers(_ path: String) async -> Bool {
        (try? await exchange("GET", path, body: nil).isSuccess) ?? false
    }

    private func exchange(_ method: String, _ path: String, body: String?) async throws -> WebResponse {
        let headers = [("authorization", credentials), ("content-type", "application/json")]
        return try await transport.send(
            WebRequest(
                method: method, url: base + path, headers: headers.map { (name: $0.0, value: $0.1) },
                body: Array((body ?? "").utf8), timeout: Self.limit))
    }
}
