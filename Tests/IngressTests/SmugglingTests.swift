import Messaging
import Testing

@testable import Ingress

/// Requests that two servers in a row could parse differently (RFC 9112, 11.2). A gateway in front of the ingress must never see one request where the
/// ingress sees two: an ambiguous request is rejected, and the connection is closed.
@Suite(.timeLimit(.minutes(1))) struct SmugglingTests {
    private static let head = "POST /v1/sessions HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\n"
    /// Answered 200 if it is ever parsed as a request of its own.
    private static let hidden = "GET /v1/products HTTP/1.1\r\nHost: wharf\r\n\r\n"

    private static let ambiguous: [(name: String, text: String)] = [
        ("a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        ("two lengths", "Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
        ("one length twice", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
        ("a list of lengths", "Content-Length: 2, 5\r\n\r\n{}"),
        ("a signed length", "Content-Length: +2\r\n\r\n{}"),
        ("a negative length", "Content-Length: -2\r\n\r\n{}"),
        ("a hexadecimal length", "Content-Length: 0x2\r\n\r\n{}"),
        ("a length beyond all integers", "Content-Length: 99999999999999999999\r\n\r\n{}"),
        ("an empty length", "Content-Length: \r\n\r\n{}"),
        ("a folded header", "X-A: 1\r\n Content-Length: 5\r\nContent-Length: 2\r\n\r\n{}"),
        ("a folded encoding", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        ("a space before the colon", "Content-Length : 2\r\n\r\n{}"),
        ("a bare line feed after a header", "X-A: 1\nContent-Length: 2\r\n\r\n{}"),
        ("a bare carriage return in a value", "X-A: 1\rContent-Length: 5\r\nContent-Length: 2\r\n\r\n{}"),
        ("NUL in a value", "X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
        ("NUL in a name", "X-\0A: b\r\nContent-Length: 2\r\n\r\n{}"),
        ("an unknown encoding", "Transfer-Encoding: gzip\r\n\r\n{}"),
        ("chunks that are not the last encoding", "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        ("chunks of another encoding", "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        ("chunks under another name", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("a vertical tab before the encoding", "Transfer-Encoding: \u{B}chunked\r\n\r\n0\r\n\r\n"),
        ("two encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        ("a chunk's size that is none", "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
        ("a chunk's size with a sign", "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n"),
        ("a chunk's size beyond all integers", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("a chunk that is longer than its size", "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
        ("a length among the trailers", "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n"),
        ("a bare line feed after a chunk", "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n"),
    ]

    @Test(arguments: ambiguous.indices)
    func `an ambiguous request is rejected, and nothing after it is read`(index: Int) async throws {
        let (name, text) = Self.ambiguous[index]
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            try await Connection.with(port) { connection in
                try await connection.write(Self.head + text + Self.hidden)
                let response = try await connection.response()
                #expect(response.status == 400, "\(name)")
                #expect(response.problem != nil, "\(name)")
                #expect(await connection.isClosed(), "\(name)")
            }
        }
        #expect(requests.sent.isEmpty, "\(name)")
    }

    private static let malformed = [
        "GET /v1/products HTTP/1.1\nHost: wharf\n\n",
        "GET /v1/prod ucts HTTP/1.1\r\nHost: wharf\r\n\r\n", "GET /v1/prod\0ucts HTTP/1.1\r\nHost: wharf\r\n\r\n",
        "GET\t/v1/products\tHTTP/1.1\r\nHost: wharf\r\n\r\n", "GET /v1/products HTTP/3.7\r\nHost: wharf\r\n\r\n",
        "GET /v1/products\r\nHost: wharf\r\n\r\n", " GET /v1/products HTTP/1.1\r\nHost: wharf\r\n\r\n",
        "NO SUCH THING\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\n: no name\r\n\r\n", "GET /v1/products HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /v1/products HTTP/1.1\r\nHost: wharf\r\nHost: other\r\n\r\n",
        "CONNECT wharf:443 HTTP/1.1\r\nHost: wharf\r\n\r\n",
    ]

    @Test(arguments: malformed.indices)
    func `bytes that are not a request are rejected, and the connection ends`(index: Int) async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            try await Connection.with(port) { connection in
                try await connection.write(Self.malformed[index] + Self.hidden)
                let response = try await connection.response()
                #expect([400, 404, 405, 501, 505].contains(response.status), "\(Self.malformed[index]): \(response.status)")
                #expect(await connection.isClosed(), "\(Self.malformed[index])")
            }
        }
        #expect(requests.sent.isEmpty, "\(Self.malformed[index])")
    }

    @Test func `chunk extensions and trailers are skipped, and the next request follows`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            for trailer in ["", "X-A: 1\r\n", "X-A:\r\n", "Authorization: Bearer nobody\r\n"] {
                try await Connection.with(port) { connection in
                    let chunks = "Transfer-Encoding: chunked\r\n\r\n2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\(trailer)\r\n"
                    try await connection.write(Self.head + chunks + Self.hidden)
                    #expect(try await connection.response().status == 200)
                    #expect(try await connection.response().status == 200)
                }
            }
        }
        #expect(requests.sent.map { $0.request.operation }.suffix(2) == ["users.sessions.create", "catalog.products.list"])
        #expect(requests.sent.filter { $0.request.operation == "users.sessions.create" }.allSatisfy { $0.request.body == Array("{}".utf8) })
    }

    @Test func `the absolute form names the same operation, whatever host it names`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            for (target, expected) in [("wharf/v1/products?limit=3", 200), ("other@wharf:1/v1/products", 200), ("wharf/../v1/products", 404)] {
                let answer = try await TestIngress.exchange(port, "GET http://\(target)")
                #expect(answer.status == expected, "\(target)")
            }
        }
        #expect(requests.sent.map { $0.request.operation } == ["catalog.products.list", "catalog.products.list"])
        #expect(requests.sent.first?.request.parameters["limit"] == "3")
    }
}
