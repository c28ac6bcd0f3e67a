import Contracts
import JSON
import Messaging
import Testing
import YAML

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct PageTests {
    @Test func `the ingress is live whatever the broker's state, and ready when the broker is`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            #expect(try await TestIngress.exchange(port, "GET /readyz").status == 200)
            requests.isReady = false
            let response = try await TestIngress.exchange(port, "GET /readyz")
            #expect(response.status == 503)
            #expect(response.headers["retry-after"] == "1")
            #expect(response.problem != nil)
            #expect(try await TestIngress.exchange(port, "GET /livez").status == 200)
        }
    }

    @Test func `the document is served as it is and as the same JSON`() async throws {
        try await TestIngress.with { port in
            let yaml = try await TestIngress.exchange(port, "GET /openapi.yaml")
            let json = try await TestIngress.exchange(port, "GET /openapi.json")
            #expect(yaml.headers["content-type"] == "application/yaml")
            #expect(json.headers["content-type"] == "application/json")
            #expect(throws: Never.self) { try JSON.decode(JSONValue.self, from: Array(json.text.utf8)) }
            // YAML is a superset of JSON, so one reader can compare the two.
            #expect(try Self.values(yaml.text) == Self.values(json.text))
            let tag = try #require(json.headers["etag"])
            #expect(try await TestIngress.exchange(port, "GET /openapi.json", headers: ["If-None-Match: \(tag)"]).status == 304)
        }
    }

    private static func values(_ text: String) throws -> String {
        JSONText.text(of: try #require(try YAMLReader.read(Array(text.utf8))))
    }

    @Test func `the pages accept GET only`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "POST /livez")
            #expect(response.status == 405)
            #expect(response.headers["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await TestIngress.exchange(port, "HEAD /docs").status == 200)
        }
    }
}
