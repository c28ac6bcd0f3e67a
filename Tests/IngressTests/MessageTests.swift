import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets
import Testing
import Traces

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct MessageTests {
    @Test func `declared path and query parameters and headers are passed on decoded, undeclared ones are not`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let response = try await TestIngress.exchange(
                port, "GET /v1/orders/caf%C3%A9%2F1?token=a%2Bb+c", headers: ["If-Match: \"1\"", "Cookie: a=b"])
            #expect(response.status == 200)
        }
        let sent = try #require(requests.sent.first)
        #expect(sent.request.operation == "orders.orders.get")
        #expect(sent.request.parameters == ["id": "café/1", "token": "a+b c"])
        #expect(sent.request.caller == nil)
        #expect(sent.durability == .query)
        #expect(sent.timeout == .seconds(5))
    }

    @Test func `a command carries its body, its headers and its caller`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let response = try await TestIngress.exchange(
                port, "PUT /v1/carts/7/items/A-1", headers: ["if-match: \"3\"", "IDEMPOTENCY-KEY: k 1", TestIngress.asCustomer],
                body: #"{"quantity":2}"#)
            #expect(response.status == 200)
        }
        let sent = try #require(requests.sent.first)
        #expect(sent.request.operation == "carts.items.put")
        #expect(sent.request.parameters == ["id": "7", "sku": "A-1", "if-match": "\"3\"", "idempotency-key": "k 1"])
        #expect(sent.request.caller == FakeRequests.customer)
        #expect(sent.request.body == Array(#"{"quantity":2}"#.utf8))
        #expect(sent.durability == .command)
        #expect(sent.timeout == .seconds(10))
    }

    @Test func `a literal path is preferred to a template`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            _ = try await TestIngress.exchange(port, "GET /v1/carts/current", headers: [TestIngress.asCustomer])
        }
        #expect(requests.sent.first?.request.operation == "carts.carts.current")
    }

    @Test func `credentials are sent as transient messages`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let response = try await TestIngress.exchange(port, "POST /v1/users", body: "{}")
            #expect(response.headers["cache-control"] == "no-store")
        }
        #expect(requests.sent.first?.durability == .query)
    }

    @Test func `the session is passed on where the operation asks for it`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            _ = try await TestIngress.exchange(port, "DELETE /v1/sessions/current", headers: [TestIngress.asCustomer])
            _ = try await TestIngress.exchange(port, "GET /v1/users/me", headers: [TestIngress.asCustomer])
        }
        #expect(requests.sent.map { $0.request.parameters["session"] } == [SHA256.hex(FakeRequests.customerToken), nil])
    }

    @Test func `only the hash of a code in the path is passed on`() async throws {
        let requests = FakeRequests { _ in .noContent }
        try await TestIngress.with(requests) { port in
            let verified = try await TestIngress.exchange(port, "POST /v1/email-verifications/a-code")
            let reset = try await TestIngress.exchange(port, "POST /v1/password-resets/a-code", body: "{}")
            #expect([verified.status, reset.status] == [204, 204])
        }
        #expect(requests.sent.map { $0.request.parameters["token"] } == [SHA256.hex("a-code"), SHA256.hex("a-code")])
    }

    @Test func `the client's user agent is passed on with its address, and with the question whose session it has`() async throws {
        let requests = FakeRequests()
        let long = String(repeating: "a", count: 400)
        try await TestIngress.with(requests) { port in
            for agent in ["Shop/1.0 (Linux)", long] {
                _ = try await TestIngress.exchange(port, "POST /v1/sessions", headers: ["User-Agent: \(agent)"], body: "{}")
            }
            _ = try await TestIngress.exchange(port, "GET /v1/users/me", headers: ["User-Agent: Shop/1.0", TestIngress.asCustomer])
        }
        #expect(requests.sent.map { $0.request.parameters[Request.clientAgent] } == ["Shop/1.0 (Linux)", String(long.prefix(300)), nil])
        let question = try #require(requests.all.first { $0.request.operation == MessageName.resolveSession })
        let asked = try JSON.decode(ResolveSession.self, from: question.request.body)
        #expect(asked.agent == "Shop/1.0" && asked.address == "127.0.0.1")
    }

    @Test func `the client's address is passed on where the operation asks for it, and no client can set it`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            _ = try await TestIngress.exchange(port, "POST /v1/sessions", headers: ["Client-Address: 192.0.2.1", "X-Forwarded-For: 192.0.2.1"], body: "{}")
            _ = try await TestIngress.exchange(port, "POST /v1/users", body: "{}")
            _ = try await TestIngress.exchange(port, "POST /v1/carts")
            #expect(try await TestIngress.exchange(port, "POST /v1/sessions?client-address=192.0.2.1", body: "{}").status == 422)
        }
        #expect(requests.sent.map { $0.request.parameters[Request.clientAddress] } == ["127.0.0.1", "127.0.0.1", nil])
    }

    @Test func `the reply's status, headers and body are returned unchanged`() async throws {
        let reply = Reply(status: 201, headers: ["location": "/v1/carts/1", "content-length": "99"], body: Array("{\"a\":1}".utf8))
        try await TestIngress.with(FakeRequests { _ in reply }) { port in
            let response = try await TestIngress.exchange(port, "POST /v1/carts")
            #expect(response.status == 201)
            #expect(response.headers["location"] == "/v1/carts/1")
            #expect(response.headers["content-type"] == "application/json")
            #expect(response.headers["idempotent-replayed"] == nil)
            #expect(response.text == "{\"a\":1}")
        }
    }

    @Test func `a 204 has neither body nor length`() async throws {
        try await TestIngress.with(FakeRequests { _ in .noContent }) { port in
            let response = try await TestIngress.exchange(port, "DELETE /v1/carts/1")
            #expect(response.status == 204)
            #expect(response.headers["content-length"] == nil)
            #expect(response.headers["content-type"] == nil)
        }
    }

    @Test func `HEAD gets the headers of GET and no body`() async throws {
        let requests = FakeRequests { _ in Reply(status: 200, headers: ["etag": "\"1\""], body: Array("{\"a\":1}".utf8)) }
        try await TestIngress.with(requests) { port in
            let responses = try await Connection.with(port) { connection in
                try await connection.write("HEAD /v1/products/x HTTP/1.1\r\nHost: wharf\r\n\r\nGET /v1/products/x HTTP/1.1\r\nHost: wharf\r\n\r\n")
                return [try await connection.response(hasBody: false), try await connection.response()]
            }
            #expect(responses[0].headers["content-length"] == "7")
            #expect(responses[0].headers["etag"] == "\"1\"")
            #expect(responses[1].text == "{\"a\":1}")
        }
        #expect(requests.sent.map(\.request.operation) == ["catalog.products.get", "catalog.products.get"])
    }

    @Test func `a trace is continued with a new span, and started where there is none`() async throws {
        let requests = FakeRequests()
        let incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        try await TestIngress.with(requests) { port in
            let continued = try await TestIngress.exchange(port, "GET /v1/products", headers: ["traceparent: \(incoming)"])
            let begun = try await TestIngress.exchange(port, "GET /v1/products", headers: ["traceparent: nonsense"])
            let traceparent = try #require(continued.headers["traceparent"])
            #expect(traceparent.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") && traceparent.hasSuffix("-00"))
            #expect(traceparent != incoming)
            #expect(requests.sent.map(\.request.traceparent) == [traceparent, begun.headers["traceparent"]])
            #expect(begun.headers["traceparent"]?.count == 55)
        }
    }

    @Test func `a request is recorded below its caller's span, under the operation's path and without its own`() async throws {
        let requests = FakeRequests()
        let buffer = SpanBuffer()
        let incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try await TestIngress.with(requests, tracer: SpanTracer(buffer: buffer, clock: SystemTime(), randomness: SystemChance())) { port in
            let answer = try await TestIngress.exchange(port, "GET /v1/products/secret", headers: ["traceparent: \(incoming)"])
            _ = try await TestIngress.exchange(port, "GET /v1/products/x", headers: ["traceparent: \(incoming.dropLast())0"])
            let spans = buffer.take(10)
            #expect(spans.map(\.name) == ["GET /v1/products/{idOrSlug}"] && spans.map(\.parentID) == ["b7ad6b7169203331"])
            #expect(answer.headers["traceparent"] == spans.first?.trace.header)
            #expect(requests.sent.first?.request.traceparent == spans.first?.trace.header)
            #expect(!"\(spans)".contains("secret"))
        }
    }

    @Test func `a valid request id is echoed and another one is replaced`() async throws {
        try await TestIngress.with { port in
            let echoed = try await TestIngress.exchange(port, "GET /v1/products", headers: ["X-Request-Id: abc-1"])
            #expect(echoed.headers["x-request-id"] == "abc-1")
            let long = String(repeating: "a", count: 129)
            let replaced = try await TestIngress.exchange(port, "GET /v1/products", headers: ["X-Request-Id: \(long)"])
            #expect(replaced.headers["x-request-id"].flatMap { UUID(uuidString: $0) } != nil)
        }
    }
}
