import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct HeaderLimitTests {
    private static func status(_ port: Int, _ line: String, _ headers: [String]) async throws -> Int {
        try await Connection.with(port) { connection in
            // The answer may come, and the connection end, before all of it is written.
            try? await connection.write(([line, "Host: wharf"] + headers).joined(separator: "\r\n") + "\r\n\r\n")
            return try await connection.response().status
        }
    }

    @Test func `headers are bounded in number, in size and in sum`() async throws {
        let limits = TestIngress.configuration
        let many = (0..<limits.maximumHeaders).map { "X-\($0): 1" }
        let half = String(repeating: "a", count: limits.maximumHeaderBytes / 2)
        let cases = [
            (Array(many.dropLast()), 200), (many, 400), (["X-A: \(half)"], 200), (["X-A: \(half)", "X-B: \(half)"], 400),
            (["X-A: \(half)\(half)"], 400), (["\(half)\(half): 1"], 400),
        ]
        try await TestIngress.with { port in
            for (headers, expected) in cases {
                let status = try await Self.status(port, "GET /livez HTTP/1.1", headers)
                #expect(status == expected, "\(headers.count) headers of \(headers[0].utf8.count) bytes")
            }
        }
    }

    @Test func `a URL is bounded, with a reason as far as it can be read`() async throws {
        let cases = [
            (RequestTarget.maximumBytes, 404), (RequestTarget.maximumBytes + 1, 414), (TestIngress.configuration.maximumHeaderBytes + 1, 400),
        ]
        try await TestIngress.with { port in
            for (length, expected) in cases {
                let path = "/" + String(repeating: "a", count: length - 1)
                let status = try await Self.status(port, "GET \(path) HTTP/1.1", [])
                #expect(status == expected, "\(length) bytes")
            }
        }
    }
}
