import Testing

@testable import Ingress

/// Clients that hold connections by sending, or receiving, next to nothing.
@Suite(.timeLimit(.minutes(1))) struct SlowClientTests {
    private static var impatient: IngressConfiguration {
        var configuration = TestIngress.configuration
        configuration.headDeadline = .milliseconds(300)
        configuration.bodyDeadline = .milliseconds(300)
        configuration.responseDeadline = .milliseconds(300)
        return configuration
    }

    /// Sends the text byte by byte, repeating its last one forever; returns when the connection is closed.
    private static func dribble(_ port: Int, _ text: String, after start: String = "") async throws -> ContinuousClock.Duration {
        try await Connection.with(port) { connection in
            if !start.isEmpty { try await connection.write(start) }
            return await ContinuousClock().measure {
                var rest = Substring(text)
                while (try? await connection.write(String(rest.popFirst() ?? "x"))) != nil { try? await Task.sleep(for: .milliseconds(20)) }
            }
        }
    }

    @Test func `a head that arrives byte by byte, or not at all, times out`() async throws {
        try await TestIngress.with(FakeRequests(), Self.impatient) { port in
            let head = "GET /livez HTTP/1.1\r\nX-A: "
            let first = try await Self.dribble(port, head)
            #expect(first < .seconds(10))
            let second = try await Self.dribble(port, head, after: "GET /livez HTTP/1.1\r\nHost: wharf\r\n\r\n")
            #expect(second < .seconds(10))
            let silent = try await Connection.with(port) { connection in await connection.isClosed() }
            #expect(silent)
        }
    }

    @Test(arguments: ["/v1/sessions", "/v1/nowhere"])
    func `a body that arrives byte by byte times out, whether it is read or not`(path: String) async throws {
        try await TestIngress.with(FakeRequests(), Self.impatient) { port in
            let head = "POST \(path) HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
            let time = try await Self.dribble(port, "{", after: head)
            #expect(time < .seconds(10))
        }
    }

    @Test func `a client that receives no answers times out`() async throws {
        try await TestIngress.with(FakeRequests(), Self.impatient) { port in
            try await Connection.with(port) { connection in
                // Nothing is read here; the buffers in between fill, and then the server waits.
                let requests = String(repeating: "GET /openapi.json HTTP/1.1\r\nHost: wharf\r\n\r\n", count: 100)
                let clock = ContinuousClock()
                let start = clock.now
                while (try? await connection.write(requests)) != nil, clock.now - start < .seconds(20) {}
                #expect(clock.now - start < .seconds(20))
            }
        }
    }

    @Test func `other clients are served while many connections are held`() async throws {
        var configuration = Self.impatient
        configuration.headDeadline = .seconds(30)
        configuration.bodyDeadline = .seconds(30)
        configuration.maximumConcurrentRequests = 50
        try await TestIngress.with(FakeRequests(), configuration) { port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let heads = ["GET /v1/products HTTP/1.1\r\nX-A: ", "P"]
                let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
                for number in 0..<200 {
                    group.addTask {
                        try await Connection.with(port) { connection in
                            try await connection.write(heads[number % 2])
                            arrived.yield()
                            _ = await connection.isClosed()
                        }
                    }
                }
                var open = 0
                for await _ in arrivals {
                    open += 1
                    if open == 200 { break }
                }
                for _ in 0..<20 {
                    let answer = try await TestIngress.exchange(port, "GET /v1/products")
                    #expect(answer.status == 200)
                }
                group.cancelAll()
            }
        }
    }

    @Test func `past the bound of connections the next one waits until another has ended`() async throws {
        var configuration = Self.impatient
        configuration.maximumConnections = 3
        configuration.headDeadline = .seconds(2)
        try await TestIngress.with(FakeRequests(), configuration) { port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask { _ = try await Connection.with(port) { connection in await connection.isClosed() } }
                }
                // Those three send nothing, and are closed after their time.
                let answer = try await TestIngress.exchange(port, "GET /livez")
                #expect(answer.status == 200)
                try await group.waitForAll()
            }
        }
    }
}
