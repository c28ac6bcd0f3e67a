import Contracts
import Testing

@testable import Ingress

/// RFC 9112, 3.2.
@Suite(.timeLimit(.minutes(1))) struct HostTests {
    private func answer(_ head: String) async throws -> TestResponse {
        try await TestIngress.with { port in
            try await Connection.with(port) { connection in
                try await connection.write(head + "\r\n\r\n")
                return try await connection.response()
            }
        }
    }

    @Test(arguments: ["GET /livez HTTP/1.1", "POST /v1/carts HTTP/1.1\r\nContent-Length: 0", "GET /v1/products HTTP/1.1\r\nX-Host: wharf"])
    func `a request of HTTP 1.1 without a host is 400, and the connection ends`(head: String) async throws {
        let response = try await answer(head)
        #expect(response.status == 400 && response.problem?.errors?.first?.field == "Host")
        #expect(response.headers["connection"] == "close")
    }

    @Test(arguments: ["GET /livez HTTP/1.0", "GET /livez HTTP/1.0\r\nHost: wharf", "GET /livez HTTP/1.1\r\nHost:", "GET /livez HTTP/1.1\r\nhost: wharf:8080"])
    func `HTTP 1.0 needs none, and it may be empty`(head: String) async throws {
        #expect(try await answer(head).status == 200)
    }
}
