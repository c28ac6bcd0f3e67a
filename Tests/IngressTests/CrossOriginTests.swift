import Contracts
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct CrossOriginTests {
    private static let shop = "https://shop.example.com"

    private static func configuration(_ origins: String...) -> IngressConfiguration {
        var configuration = TestIngress.configuration
        configuration.corsOrigins = Set(origins.compactMap { WebOrigin($0) })
        return configuration
    }

    private static func names(_ list: String?) -> Set<String> {
        Set((list ?? "").split(separator: ",").map { $0.trimmed.lowercased() })
    }

    @Test func `a preflight allows the methods of the path and the headers of the contract`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests, Self.configuration(Self.shop, "http://localhost:3000")) { port in
            for origin in [Self.shop, "http://localhost:3000"] {
                let response = try await TestIngress.exchange(
                    port, "OPTIONS /v1/carts/1/items/A",
                    headers: ["Origin: \(origin)", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: idempotency-key"])
                #expect(response.status == 204)
                #expect(response.headers["access-control-allow-origin"] == origin)
                #expect(Self.names(response.headers["access-control-allow-methods"]).isSuperset(of: ["put", "delete"]))
                #expect(
                    Self.names(response.headers["access-control-allow-headers"]).isSuperset(of: [
                        "authorization", "content-type", "content-encoding", "idempotency-key", "if-match", "if-none-match", "prefer", "last-event-id", "traceparent",
                    ]))
                #expect(response.headers["access-control-allow-credentials"] == nil)
                #expect(Self.names(response.headers["vary"]).contains("origin"))
            }
        }
        #expect(requests.all.isEmpty)
    }

    @Test(arguments: [
        ("GET /v1/products", [], 200), ("GET /v1/nowhere", [], 404), ("PATCH /v1/carts/current", [], 405), ("GET /v1/users/me", [], 401),
        ("POST /v1/checkouts", ["Content-Length: 9999999", "Content-Type: application/json"], 413), ("GET /openapi.json", [], 200), ("GET /v1/products/%ZZ", [], 400), ("CONNECT a:1", [], 405),
        ("POST /v1/sessions", ["Content-Length: 2", "Content-Type: text/plain"], 415),
    ])
    func `a page of an allowed origin may read every answer, errors of the ingress too`(line: String, headers: [String], status: Int) async throws {
        try await TestIngress.with(FakeRequests(), Self.configuration(Self.shop)) { port in
            let response = try await TestIngress.exchange(port, line, headers: headers + ["Origin: \(Self.shop)", "Idempotency-Key: k"])
            #expect(response.status == status)
            #expect(response.headers["access-control-allow-origin"] == Self.shop)
            #expect(
                Self.names(response.headers["access-control-expose-headers"]).isSuperset(of: [
                    "location", "etag", "retry-after", "idempotent-replayed", "x-request-id", "preference-applied",
                ]))
            #expect(Self.names(response.headers["vary"]).contains("origin"))
        }
    }

    @Test(arguments: ["https://evil.example.com", "http://shop.example.com", "https://shop.example.com:8443", "https://shop.example.com.evil.com", "null", "HTTPS://SHOP.EXAMPLE.COM"])
    func `another origin is answered and may not read the answer`(origin: String) async throws {
        try await TestIngress.with(FakeRequests(), Self.configuration(Self.shop)) { port in
            for line in ["GET /v1/products", "OPTIONS /v1/products"] {
                let response = try await TestIngress.exchange(port, line, headers: ["Origin: \(origin)", "Access-Control-Request-Method: GET"])
                #expect((200..<300).contains(response.status))
                #expect(!response.names.contains { $0.lowercased().hasPrefix("access-control") })
                #expect(Self.names(response.headers["vary"]).contains("origin"), "or a cache gives this one to the shop's pages")
            }
            let none = try await TestIngress.exchange(port, "GET /v1/products")
            #expect(none.headers["access-control-allow-origin"] == nil && Self.names(none.headers["vary"]).contains("origin"))
            let two = try await TestIngress.exchange(port, "GET /v1/products", headers: ["Origin: \(Self.shop)", "Origin: \(origin)"])
            #expect(two.headers["access-control-allow-origin"] == nil)
        }
    }

    @Test func `a service's Vary header is kept`() async throws {
        let reply = Reply(status: 200, headers: ["vary": "Accept"], body: Array("{}".utf8))
        try await TestIngress.with(FakeRequests { _ in reply }, Self.configuration(Self.shop)) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products", headers: ["Origin: \(Self.shop)"])
            #expect(Self.names(response.headers["vary"]) == ["accept", "origin"])
        }
    }

    @Test func `without the setting no CORS header is sent`() async throws {
        try await TestIngress.with { port in
            for line in ["GET /v1/products", "OPTIONS /v1/products"] {
                let response = try await TestIngress.exchange(port, line, headers: ["Origin: \(Self.shop)", "Access-Control-Request-Method: GET"])
                #expect(!response.names.contains { $0.lowercased().hasPrefix("access-control") || $0.lowercased() == "vary" })
            }
        }
    }
}
