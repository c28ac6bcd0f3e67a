import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct ContentCodingTests {
    /// `{"email": "a", "password": "b"}`, packed.
    private static let packed: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 205, 77, 204, 204, 81, 178, 82, 80, 74, 84, 210, 81, 80, 42, 72, 44, 46, 46, 207, 47, 74, 1, 9, 36, 41, 213, 2, 0, 160, 220, 143, 253, 31, 0, 0,
        0,
    ]
    private static let text = #"{"email": "a", "password": "b"}"#

    private func send(_ port: Int, _ headers: [String], _ body: [UInt8]) async throws -> TestResponse {
        try await Connection.with(port) { connection in
            let lines = ["POST /v1/sessions HTTP/1.1", "Host: wharf", "Content-Type: application/json", "Content-Length: \(body.count)"] + headers
            try await connection.write(lines.joined(separator: "\r\n") + "\r\n\r\n")
            try await connection.write(body)
            return try await connection.response()
        }
    }

    @Test(arguments: ["Content-Encoding: gzip", "Content-Encoding: GZIP", "Content-Encoding: identity, x-gzip"])
    func `a gzip body is unpacked before it is passed on`(coding: String) async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let answer1 = try await send(port, [coding], Self.packed)
            #expect(answer1.status == 200)
        }
        #expect(requests.sent.map(\.request.body) == [Array(Self.text.utf8)])
    }

    @Test(arguments: ["br", "deflate", "gzip, gzip", "gzip, br", "aws-chunked"])
    func `another coding is 415 and names the accepted one`(coding: String) async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let response = try await send(port, ["Content-Encoding: \(coding)"], Self.packed)
            #expect(response.status == 415 && response.problem != nil)
            #expect(response.headers["accept-encoding"] == "gzip")
        }
        #expect(requests.sent.isEmpty)
    }

    @Test func `a body that is declared as gzip and is not is 400`() async throws {
        try await TestIngress.with { port in
            let answer2 = try await send(port, ["Content-Encoding: gzip"], Array(Self.text.utf8))
            #expect(answer2.status == 400)
            let answer3 = try await send(port, ["Content-Encoding: gzip"], Self.packed.dropLast())
            #expect(answer3.status == 400)
        }
    }

    @Test func `the bound of a packed body applies to its unpacked size`() async throws {
        var configuration = TestIngress.configuration
        configuration.maximumBodyBytes = Self.text.utf8.count
        try await TestIngress.with(FakeRequests(), configuration) { port in
            let answer4 = try await send(port, [], Array(Self.text.utf8))
            #expect(answer4.status == 200)
            // Larger packed than unpacked, as short texts are.
            let answer5 = try await send(port, ["Content-Encoding: gzip"], Self.packed)
            #expect(answer5.status == 413)
        }
        configuration.maximumBodyBytes = 999
        try await TestIngress.with(FakeRequests(), configuration) { [configuration] port in
            #expect(configuration.maximumBodyBytes > Self.bomb.count)
            let answer6 = try await send(port, ["Content-Encoding: gzip"], Self.bomb)
            #expect(answer6.status == 413)
        }
    }

    /// 1,000 zeros, packed.
    private static let bomb: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 99, 96, 24, 5, 163, 96, 20, 12, 119, 0, 0, 128, 23, 11, 6, 232, 3, 0, 0]

    @Test func `an empty chunked body needs no type and no coding`() async throws {
        try await TestIngress.with { port in
            for headers in ["", "Content-Type: text/plain\r\n", "Content-Encoding: br\r\n"] {
                let response = try await Connection.with(port) { connection in
                    try await connection.write("POST /v1/carts HTTP/1.1\r\nHost: wharf\r\n\(headers)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                    return try await connection.response()
                }
                #expect(response.status == 200)
            }
        }
    }

    @Test func `a chunked body needs its type`() async throws {
        try await TestIngress.with { port in
            let response = try await Connection.with(port) { connection in
                try await connection.write("POST /v1/carts HTTP/1.1\r\nHost: wharf\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
                return try await connection.response()
            }
            #expect(response.status == 415)
        }
    }
}
