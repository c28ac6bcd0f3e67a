import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct ResponseHeaderTests {
    private static let reply = Reply(
        status: 200,
        headers: ["etag": "\"1\"", "cache-control": "max-age=60", "location": "/v1/x", "retry-after": "1", "www-authenticate": "Bearer", "x-of-a-service": "a"], body: Array("{}".utf8))

    @Test func `the names of all header fields have one spelling`() async throws {
        try await TestIngress.with(FakeRequests { _ in Self.reply }) { port in
            for line in ["GET /v1/products", "GET /readyz", "GET /v1/nowhere", "POST /v1/livez"] {
                let names = try await TestIngress.exchange(port, line).names
                #expect(names.contains("X-Request-Id") && names.contains("Content-Type"))
                for name in names where !["ETag", "WWW-Authenticate"].contains(name) {
                    let words = name.split(separator: "-")
                    #expect(words.allSatisfy { $0.first?.isUppercase == true && $0.dropFirst().allSatisfy(\.isLowercase) }, "\(name)")
                }
            }
        }
    }

    @Test(arguments: [
        "GET /v1/carts/1", "POST /v1/carts", "PUT /v1/carts/1/items/A", "DELETE /v1/carts/1", "GET /v1/orders/1?token=t", "POST /v1/checkouts", "GET /v1/users/me",
        "GET /v1/sessions", "GET /v1/orders", "POST /v1/carts/1/claim",
    ])
    func `no cache stores a cart, an order or an account`(line: String) async throws {
        try await TestIngress.with(FakeRequests { _ in Self.reply }) { port in
            let response = try await TestIngress.exchange(port, line, headers: [TestIngress.asCustomer, "Idempotency-Key: k"])
            #expect(response.status == 200)
            #expect(response.headers["cache-control"] == "no-store")
        }
    }

    /// A cache may keep a 404 or a 405 by its own judgement (RFC 9110, 15.1), a cart's too that is there by then.
    @Test(arguments: [("GET /v1/nowhere", 404), ("PATCH /v1/products", 405), ("GET /v1/orders", 401), ("GET /v1/products?serach=x", 422), ("GET /v1/ products", 400)])
    func `no cache stores a refusal of the ingress`(line: String, status: Int) async throws {
        try await TestIngress.with(FakeRequests { _ in Self.reply }) { port in
            let response = try await TestIngress.exchange(port, line)
            #expect(response.status == status)
            #expect(response.headers["cache-control"] == "no-store")
        }
    }

    @Test func `a cache may store a product where a guest asked for it`() async throws {
        try await TestIngress.with(FakeRequests { _ in Self.reply }) { port in
            let asGuest = try await TestIngress.exchange(port, "GET /v1/products/a")
            #expect(asGuest.headers["cache-control"] == "max-age=60")
            let asAdmin = try await TestIngress.exchange(port, "GET /v1/products/a", headers: [TestIngress.asAdmin])
            #expect(asAdmin.headers["cache-control"] == "no-store")
        }
    }

    @Test(arguments: [(0.0, "no-cache"), (0.5, "public, max-age=1, stale-while-revalidate=2, stale-if-error=300")])
    func `other caches may keep a guest's answer from the catalog as long as the ingress does`(lifetime: Double, control: String) async throws {
        let requests = FakeRequests { request in Reply(status: request.parameters["idOrSlug"] == "gone" ? 404 : 200, body: Array("{}".utf8)) }
        var configuration = TestIngress.configuration
        configuration.answerLifetime = lifetime
        try await TestIngress.with(requests, configuration) { port in
            let first = try await TestIngress.exchange(port, "GET /v1/products/a")
            // An answer from the ingress's cache.
            let second = try await TestIngress.exchange(port, "GET /v1/products/a")
            #expect(first.headers["cache-control"] == control && second.headers["cache-control"] == control)
            let missing = try await TestIngress.exchange(port, "GET /v1/products/gone")
            #expect(missing.headers["cache-control"] == nil)
            let asAdmin = try await TestIngress.exchange(port, "GET /v1/products/a", headers: [TestIngress.asAdmin])
            #expect(asAdmin.headers["cache-control"] == "no-store")
        }
    }
}
