import Contracts
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct BodyTests {
    private static var small: IngressConfiguration {
        var configuration = TestIngress.configuration
        configuration.maximumBodyBytes = 1_000
        configuration.bodyDeadline = .milliseconds(200)
        return configuration
    }

    private static let head = "POST /v1/sessions HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\n"

    @Test func `a body at the bound is accepted, whole or in chunks`() async throws {
        let requests = FakeRequests()
        let body = String(repeating: "x", count: 1_000)
        try await TestIngress.with(requests, Self.small) { port in
            #expect(try await TestIngress.exchange(port, "POST /v1/sessions", body: body).status == 200)
            let chunked = try await Connection.with(port) { connection in
                try await connection.write(Self.head + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n\(body)\r\n0\r\n\r\n")
                return try await connection.response()
            }
            #expect(chunked.status == 200)
        }
        #expect(requests.sent.map { $0.request.body.count } == [1_000, 1_000])
    }

    @Test func `a declared length past the bound is 413 before any of it was sent`() async throws {
        try await TestIngress.with(FakeRequests(), Self.small) { port in
            let response = try await Connection.with(port) { connection in
                try await connection.write(Self.head + "Content-Length: 1001\r\n\r\n")
                return try await connection.response()
            }
            #expect(response.status == 413)
            #expect(response.headers["connection"] == "close")
            #expect(response.problem != nil)
        }
    }

    @Test func `chunks past the bound are 413 while they arrive, and the connection ends`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests, Self.small) { port in
            try await Connection.with(port) { connection in
                try await connection.write(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
                let chunk = "200\r\n" + String(repeating: "x", count: 512) + "\r\n"
                for _ in 0..<4 { try await connection.write(chunk) }
                let response = try await connection.response()
                #expect(response.status == 413)
                #expect(response.problem != nil)
                #expect(await connection.isClosed())
            }
        }
        #expect(requests.sent.isEmpty)
    }

    @Test func `a client that still sends after a 413 can read it`() async throws {
        try await TestIngress.with(FakeRequests(), Self.small) { port in
            try await Connection.with(port) { connection in
                // More than the buffers of both sides hold, so that the client is still sending when it is answered.
                let large = String(repeating: "x", count: 16_000_000)
                try await connection.write(Self.head + "Content-Length: 16000000\r\n\r\n" + large)
                #expect(try await connection.response().status == 413)
                #expect(await connection.isClosed())
            }
        }
    }

    @Test func `a body that does not arrive in time is 408, and the connection ends`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests, Self.small) { port in
            try await Connection.with(port) { connection in
                try await connection.write(Self.head + "Content-Length: 100\r\n\r\n{\"email\":")
                let response = try await connection.response()
                #expect(response.status == 408)
                #expect(response.problem != nil)
                #expect(await connection.isClosed())
            }
        }
        #expect(requests.sent.isEmpty)
    }

    @Test func `a client that waits for 100 Continue gets it`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            try await Connection.with(port) { connection in
                try await connection.write(Self.head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
                #expect(try await connection.response(hasBody: false).status == 100)
                try await connection.write("{}")
                #expect(try await connection.response().status == 200)
                try await connection.write("GET /livez HTTP/1.1\r\nHost: wharf\r\n\r\n")
                #expect(try await connection.response().status == 200)
            }
        }
        #expect(requests.sent.first?.request.body == Array("{}".utf8))
    }

    @Test func `a client that waits for 100 Continue is rejected without it`() async throws {
        try await TestIngress.with { port in
            try await Connection.with(port) { connection in
                let head = "POST /v1/products HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\n"
                try await connection.write(head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
                let response = try await connection.response()
                #expect(response.status == 401)
                #expect(response.headers["connection"] == "close")
                #expect(await connection.isClosed())
            }
        }
    }

    @Test func `a rejected request with a small body leaves the connection open`() async throws {
        try await TestIngress.with { port in
            try await Connection.with(port) { connection in
                try await connection.write(
                    "POST /v1/products HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                #expect(try await connection.response().status == 401)
                try await connection.write("GET /livez HTTP/1.1\r\nHost: wharf\r\n\r\n")
                #expect(try await connection.response().status == 200)
            }
        }
    }

    @Test func `an incomplete body is not a request`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let connected = try await Connection.with(port) { connection in
                try await connection.write(Self.head + "Content-Length: 100\r\n\r\n{")
                return true
            }
            #expect(connected)
            // The connection above is gone; this answer arrives after the server has seen that.
            #expect(try await TestIngress.exchange(port, "GET /livez").status == 200)
        }
        #expect(requests.sent.isEmpty)
    }
}
