import Contracts
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct ConditionalTests {
    private static let requests = FakeRequests { _ in Reply(status: 200, headers: ["etag": "\"7\""], body: Array("{}".utf8)) }

    @Test func `an unchanged resource is 304 with its tag and without a body`() async throws {
        try await TestIngress.with(Self.requests) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products/x", headers: ["If-None-Match: \"6\", W/\"7\""])
            #expect(response.status == 304)
            #expect(response.headers["etag"] == "\"7\"")
            #expect(response.headers["content-type"] == nil)
            #expect(response.headers["content-length"] == nil)
        }
    }

    @Test func `a changed resource is 200`() async throws {
        try await TestIngress.with(Self.requests) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products/x", headers: ["If-None-Match: \"6\""])
            #expect(response.status == 200)
            #expect(response.text == "{}")
        }
    }

    @Test func `a change is never 304`() async throws {
        try await TestIngress.with(Self.requests) { port in
            let response = try await TestIngress.exchange(
                port, "PUT /v1/carts/1/items/a", headers: ["If-None-Match: *"], body: "{}")
            #expect(response.status == 200)
        }
    }

    @Test(
        arguments: [
            (["*"], true), (["\"7\""], true), (["W/\"7\""], true), (["\"a,b\", \"7\""], true), (["\"6\"", "\"7\""], true),
            (["\"6\""], false), (["7"], false), ([], false), (["\"6,\"7\""], false),
        ] as [([String], Bool)])
    func `tags are compared weakly, in lists as well`(condition: [String], matches: Bool) {
        #expect(EntityTag.matches(condition, "\"7\"") == matches)
        #expect(EntityTag.matches(condition, "W/\"7\"") == matches)
    }
}
