import Contracts
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct ErrorTests {
    @Test func `an unknown path is a 404 problem that names the path`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "GET /v1/nothing?x=1")
            #expect(response.status == 404)
            #expect(response.problem?.type == "https://wharf.dev/problems/not-found")
            #expect(response.problem?.instance == "/v1/nothing")
        }
    }

    @Test func `a known path with another method is 405 with Allow`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "PATCH /v1/carts/current")
            #expect(response.status == 405)
            #expect(response.headers["allow"] == "GET, HEAD, OPTIONS")
            #expect(response.problem != nil)
        }
    }

    @Test func `OPTIONS is answered with the allowed methods`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "OPTIONS /v1/carts/current")
            #expect(response.status == 204)
            #expect(response.headers["allow"] == "GET, HEAD, OPTIONS")
            #expect(response.headers["content-length"] == nil)
        }
    }

    @Test(arguments: ["/v1/products/%ZZ", "/v1/products/%FF", "/v1/products/a%00b", "/v1/products?search=%E0", "/v1/products?sort=a&sort=b"])
    func `a URL that cannot be decoded is 400`(target: String) async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "GET \(target)")
            #expect(response.status == 400)
            #expect(response.problem != nil)
        }
    }

    @Test func `a URL past the bound is 414`() async throws {
        try await TestIngress.with { port in
            let long = String(repeating: "a", count: RequestTarget.maximumBytes)
            let response = try await TestIngress.exchange(port, "GET /v1/products/\(long)")
            #expect(response.status == 414)
            #expect(response.problem != nil)
        }
    }

    @Test func `an undeclared query parameter is 422 and named`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products?serach=shoe")
            #expect(response.status == 422)
            #expect(response.problem?.errors?.first?.field == "query.serach")
            #expect(requests.sent.isEmpty)
        }
    }

    @Test(arguments: ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", nil])
    func `a body of another media type is 415`(type: String?) async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "POST /v1/sessions", body: "{}", type: type)
            #expect(response.status == 415)
            #expect(response.headers["accept"] == "application/json")
            #expect(response.problem != nil)
        }
    }

    @Test(arguments: [("text/plain", "x"), ("application/json", "{}"), (nil, "{}")])
    func `an operation without a body takes an empty object, and rejects other media types`(type: String?, body: String) async throws {
        try await TestIngress.with { port in
            for line in ["GET /v1/products", "POST /v1/carts"] {
                let response = try await TestIngress.exchange(port, line, body: body, type: type)
                #expect(response.status == (type == "application/json" ? 200 : 415))
            }
        }
    }

    @Test func `a PATCH may have the media type of a merge patch, and a PUT may not`() async throws {
        try await TestIngress.with { port in
            for (method, status) in [("PATCH /v1/users/me", 200), ("PUT /v1/users/me/password", 415)] {
                let response = try await TestIngress.exchange(port, method, headers: [TestIngress.asCustomer], body: "{}", type: "application/merge-patch+json")
                #expect(response.status == status)
            }
        }
    }

    @Test func `a media type may have parameters`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(
                port, "POST /v1/sessions", body: "{}", type: "Application/JSON; charset=utf-8")
            #expect(response.status == 200)
        }
    }

    @Test func `a request that is not HTTP is answered with a 400 problem`() async throws {
        try await TestIngress.with { port in
            let response = try await Connection.with(port) { connection in
                try await connection.write("GET /v1/products HTTP/1.1\r\nHost wharf\r\n\r\n")
                return try await connection.response()
            }
            #expect(response.status == 400)
            #expect(response.problem?.status == 400)
            #expect(response.headers["connection"] == "close")
        }
    }

    @Test func `a full queue is 503 with Retry-After`() async throws {
        try await TestIngress.with(FakeRequests { _ in throw RequestClient.Unanswered.refused("full") }) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products")
            #expect(response.status == 503)
            #expect(response.headers["retry-after"] == "1")
            #expect(response.problem?.retryable == true)
        }
    }

    @Test func `an operation without a queue is 503`() async throws {
        try await TestIngress.with(FakeRequests { _ in throw RequestClient.Unanswered.unroutable }) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products")
            #expect(response.status == 503)
            #expect(response.problem != nil)
        }
    }

    @Test(
        arguments: [
            ("GET /v1/products", [], true),
            ("POST /v1/carts", [], false),
            ("POST /v1/carts", ["Idempotency-Key: k"], false),
            ("POST /v1/carts", ["Idempotency-Key: k", TestIngress.asCustomer], true),
            ("DELETE /v1/carts/1", ["Idempotency-Key: k"], true),
        ] as [(String, [String], Bool)])
    func `a missing reply is 504 and says whether a retry is safe`(line: String, headers: [String], isSafe: Bool) async throws {
        try await TestIngress.with(FakeRequests { _ in throw RequestClient.Unanswered.timedOut }) { port in
            let response = try await TestIngress.exchange(port, line, headers: headers)
            #expect(response.status == 504)
            #expect(response.problem?.retryable == isSafe)
        }
    }

    @Test func `an unexpected error is 500 and reveals no details`() async throws {
        struct Secret: Error { let password = "hunter2" }
        try await TestIngress.with(FakeRequests { _ in throw Secret() }) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products")
            #expect(response.status == 500)
            #expect(response.problem != nil)
            #expect(!response.text.contains("hunter2"))
        }
    }

    @Test func `a service's problem gets the path and keeps its headers`() async throws {
        let refusal = Reply(Problem("too-many", title: "T", status: 429, detail: "d"), headers: ["retry-after": "60"])
        try await TestIngress.with(FakeRequests { _ in refusal }) { port in
            let response = try await TestIngress.exchange(port, "POST /v1/sessions", body: "{}")
            #expect(response.status == 429)
            #expect(response.headers["retry-after"] == "60")
            #expect(response.problem?.instance == "/v1/sessions")
        }
    }

    @Test func `an error reply without a body becomes a problem`() async throws {
        try await TestIngress.with(FakeRequests { _ in Reply(status: 404) }) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products/x")
            #expect(response.status == 404)
            #expect(response.problem != nil)
        }
    }
}
