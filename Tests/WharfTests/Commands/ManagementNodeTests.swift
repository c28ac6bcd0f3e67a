import Assembly
import Synchronization
import Testing
import WebClient

@Suite struct ManagementNodeTests {
    /// Nodes of which some are away; remembers what was asked.
    private final class Nodes: HTTPTransport {
        let away: Set<String>
        let asked = Mutex<[(url: String, timeout: Duration)]>([])

        init(away: Set<String>) {
            self.away = away
        }

        func send(_ request: WebRequest) async throws -> WebResponse {
            asked.withLock { $0.append((request.url, request.timeout)) }
            guard !away.contains(where: request.url.contains) else { throw WebClientError(code: .timedOut, message: "silent") }
            return WebResponse(status: 200, headers: [], body: Array(request.url.utf8))
        }
    }

    @Test func `the first node that answers is asked, and one that is silent costs seconds`() async throws {
        let nodes = Nodes(away: ["a:1"])
        let management = try ManagementNodes("http://u:p%40@a:1,b:2,c:3/prefix/", transport: nodes)
        let answer = try await management.send("POST", "/api/definitions", body: [1], timeout: .seconds(60))
        #expect(String(decoding: answer.body, as: UTF8.self) == "http://b:2/prefix/api/definitions")
        let asked = nodes.asked.withLock { $0 }
        #expect(asked.map(\.url) == ["http://a:1/prefix/api/whoami", "http://b:2/prefix/api/whoami", "http://b:2/prefix/api/definitions"])
        #expect(asked.map(\.timeout) == [.seconds(3), .seconds(3), .seconds(60)])
    }

    @Test func `with none there the last one's error is the answer, and a single node is asked at once`() async throws {
        let nodes = Nodes(away: ["a:1", "b:2"])
        await #expect(throws: WebClientError.self) {
            try await ManagementNodes("http://u:p@a:1,b:2", transport: nodes).send("GET", "/api/nodes", timeout: .seconds(10))
        }
        let single = Nodes(away: [])
        _ = try await ManagementNodes("http://u:p@a:1", transport: single).send("GET", "/api/nodes", timeout: .seconds(10))
        #expect(single.asked.withLock { $0.map(\.url) } == ["http://a:1/api/nodes"])
    }
}
