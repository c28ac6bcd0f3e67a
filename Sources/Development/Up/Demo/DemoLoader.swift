import FoundationEssentials
import LocalState
import Runtime
import Terminal
import WebClient

/// Loads the demo catalogue into the shop, through the HTTP API and as its administrator. Repeating it changes nothing.
struct DemoLoader: Sendable {
    /// Products under way at once.
    static let maximumConcurrent = 8
    private static let timeout = Duration.seconds(30)
    private static let maximumAttempts = 20
    private static let pause = Duration.milliseconds(250)

    let transport: any HTTPTransport
    /// Of the ingress.
    let url: String
    let email: String
    let password: String

    /// - Throws: ``UpError`` with code `catalogue` and what the shop answered; `CancellationError`.
    func load(_ products: [DemoProduct] = DemoProduct.all) async throws {
        let token = try await signIn()
        _ = try await products.concurrentMap(limit: Self.maximumConcurrent) { try await put($0, token) }
        _ = try await send("DELETE", "/v1/sessions/current", token: token, accepting: [204])
    }

    private func signIn() async throws -> String {
        struct SignIn: Encodable { let email, password: String }
        struct Session: Decodable { let token: String }
        let body = try JSONEncoder().encode(SignIn(email: email, password: password))
        let response = try await send("POST", "/v1/sessions", body: body, accepting: [201])
        return try JSONDecoder().decode(Session.self, from: Data(response.body)).token
    }

    private func put(_ product: DemoProduct, _ token: String) async throws {
        struct Price: Encodable { let amount: Int; let currency: String }
        struct New: Encodable { let sku, name, description, category: String; let price: Price }
        struct Stock: Encodable { let onHand: Int }
        let new = New(
            sku: product.sku, name: product.name, description: product.description, category: product.category,
            price: Price(amount: product.price, currency: "EUR"))
        // 409: an earlier attempt, or another client, has already made it.
        _ = try await send("POST", "/v1/products", token: token, body: JSONEncoder().encode(new), accepting: [201, 409])
        // 409: below what orders have reserved already, so it has been set before.
        _ = try await send(
            "PUT", "/v1/stock/\(product.sku)", token: token, body: JSONEncoder().encode(Stock(onHand: product.stock)),
            accepting: [200, 409])
    }

    /// Repeats a request until the answer is final. One key for all attempts: the work is not done twice.
    private func send(
        _ method: String, _ path: String, token: String? = nil, body: Data? = nil, accepting accepted: Set<Int>
    ) async throws -> WebResponse {
        var headers = [(name: "idempotency-key", value: UUID().uuidString)]
        if let token { headers.append((name: "authorization", value: "Bearer \(token)")) }
        if body != nil { headers.append((name: "content-type", value: "application/json")) }
        let request = WebRequest(
            method: method, url: url + path, headers: headers, body: Array(body ?? Data()), timeout: Self.timeout)
        var answer = "nothing"
        for attempt in 1...Self.maximumAttempts {
            do {
                let response = try await transport.send(request)
                if accepted.contains(response.status) { return response }
                answer = "status \(response.status): \(String(decoding: response.body.prefix(500), as: UTF8.self))"
                guard [429, 503, 504].contains(response.status) else { break }
            } catch {
                answer = "\(error)"
            }
            if attempt < Self.maximumAttempts { try await Task.sleep(for: Self.pause) }
        }
        throw UpError(.catalogue, "\(method) \(path) was answered with \(answer)")
    }
}
