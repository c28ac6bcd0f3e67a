import Contracts
import Messaging
import Testing
import Yams

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
            // YAML is a superset of JSON, so one reader can compare the two.
            #expect(try Yams.compose(yaml: yaml.text) == Yams.compose(yaml: json.text))
            let tag = try #require(json.headers["etag"])
            #expect(try await TestIngress.exchange(port, "GET /openapi.json", headers: ["If-None-Match: \(tag)"]).status == 304)
        }
    }

    @Test func `the reference shows every operation and loads nothing from elsewhere`() async throws {
        try await TestIngress.with { port in
            let page = try await TestIngress.exchange(port, "GET /docs")
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            for operation in try TestIngress.document.get().operationIDs {
                #expect(page.text.contains("<section id=\"\(operation)\">"))
            }
            for outside in ["<script", "src=", "<link", "url(", "@import"] { #expect(!page.text.contains(outside)) }
        }
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
