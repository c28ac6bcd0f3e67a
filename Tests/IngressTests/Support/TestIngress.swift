import FoundationEssentials
import Ingress
import Logging
import Messaging
import Runtime
import Traces

struct SystemTime: WallClock {
    func now() -> Date { Date() }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

struct SystemChance: Randomness {
    func uuid() -> UUID { UUID() }
    func fraction() -> Double { Double.random(in: 0..<1) }
}

enum TestIngress {
    static let openapi: String = {
        let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(tests)/../topology/openapi.yaml"
    }()
    /// Read once: tests start many an ingress.
    static let document = Result { try OpenAPIDocument(path: openapi) }
    static let webhookSecret = "whsec_test"

    static var configuration: IngressConfiguration {
        IngressConfiguration(port: 0, webhookSecrets: ["stripe": [webhookSecret]], openapi: openapi)
    }

    /// Runs `body` against an ingress that listens on a port of its own.
    static func with<T: Sendable>(
        _ requests: FakeRequests = FakeRequests(), _ configuration: IngressConfiguration = configuration, tracer: SpanTracer? = nil,
        _ body: @Sendable (Int) async throws -> T
    ) async throws -> T {
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let ingress = try Ingress(
            configuration: configuration, document: try document.get(), requests: requests, clock: SystemTime(),
            randomness: SystemChance(), logger: quiet, tracer: tracer
        ) { ready.yield($0) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await ingress.run()
            }
            defer { group.cancelAll() }
            for await port in ports { return try await body(port) }
            try await group.waitForAll()
            throw CancellationError()
        }
    }

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// One request on a connection of its own.
    static func exchange(
        _ port: Int, _ line: String, headers: [String] = [], body: String? = nil, type: String? = "application/json"
    ) async throws -> TestResponse {
        var lines = ["\(line) HTTP/1.1", "Host: wharf"] + headers
        if let body {
            lines.append("Content-Length: \(body.utf8.count)")
            if let type { lines.append("Content-Type: \(type)") }
        }
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
        return try await Connection.with(port) { connection in
            try await connection.write(text)
            return try await connection.response(hasBody: !line.hasPrefix("HEAD"))
        }
    }

    static let asCustomer = "Authorization: Bearer \(FakeRequests.customerToken)"
    static let asAdmin = "Authorization: Bearer \(FakeRequests.adminToken)"
}
