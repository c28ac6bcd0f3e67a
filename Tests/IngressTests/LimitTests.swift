import Contracts
import Messaging
import ServiceLifecycle
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct LimitTests {
    @Test func `one request more than the bound is 503 at once, and there is room again when one has ended`() async throws {
        var configuration = TestIngress.configuration
        configuration.maximumConcurrentRequests = 2
        let gate = Valve()
        let requests = FakeRequests { _ in
            await gate.pass()
            return Reply(status: 200, body: Array("{}".utf8))
        }
        try await TestIngress.with(requests, configuration) { port in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<2 {
                    group.addTask { try await TestIngress.exchange(port, "GET /v1/products").status }
                }
                await gate.waiting(2)
                let turnedAway = try await TestIngress.exchange(port, "GET /v1/products")
                #expect(turnedAway.status == 503)
                #expect(turnedAway.headers["retry-after"] == "1")
                #expect(turnedAway.problem != nil)
                #expect(try await TestIngress.exchange(port, "GET /livez").status == 200)
                await gate.open()
                for try await status in group { #expect(status == 200) }
            }
            #expect(try await TestIngress.exchange(port, "GET /v1/products").status == 200)
        }
    }

    @Test func `a shutdown finishes the request under way and accepts no other`() async throws {
        let gate = Valve()
        let requests = FakeRequests { _ in
            await gate.pass()
            return Reply(status: 200, body: Array("{}".utf8))
        }
        try await Self.stopping(requests, TestIngress.configuration) { port, stop in
            async let response = TestIngress.exchange(port, "GET /v1/products")
            await gate.waiting(1)
            await stop()
            await #expect(throws: (any Error).self) {
                // Connections are refused from some moment on; those before it are closed without an answer.
                while true { _ = try await TestIngress.exchange(port, "GET /livez") }
            }
            await gate.open()
            let status = try await response.status
            #expect(status == 200)
        }
    }

    @Test func `a shutdown does not wait longer than its deadline`() async throws {
        var configuration = TestIngress.configuration
        configuration.shutdownDeadline = .milliseconds(100)
        let gate = Valve()
        let requests = FakeRequests { _ in
            try await gate.stuck()
            return .noContent
        }
        try await Self.stopping(requests, configuration) { port, stop in
            async let response = TestIngress.exchange(port, "GET /v1/products")
            await gate.waiting(1)
            await stop()
            _ = try? await response
        }
    }

    /// Runs `body` with an ingress in a group of services; ends when the ingress has.
    private static func stopping(
        _ requests: FakeRequests, _ configuration: IngressConfiguration,
        _ body: @escaping @Sendable (Int, @escaping @Sendable () async -> Void) async throws -> Void
    ) async throws {
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let ingress = try Ingress(
            configuration: configuration, document: try TestIngress.document.get(), requests: requests, clock: SystemTime(),
            randomness: SystemChance(), logger: TestIngress.quiet
        ) { ready.yield($0) }
        let services = ServiceGroup(services: [ingress], logger: TestIngress.quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            group.addTask {
                for await port in ports {
                    try await body(port) { await services.triggerGracefulShutdown() }
                    break
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Holds each caller until it is opened.
private actor Valve {
    private var isOpen = false
    private var held: [AsyncStream<Void>.Continuation] = []
    private let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)

    func pass() async {
        guard !isOpen else { return }
        let (opening, continuation) = AsyncStream.makeStream(of: Void.self)
        held.append(continuation)
        arrived.yield()
        for await _ in opening {}
    }

    /// Never ends by itself.
    func stuck() async throws {
        arrived.yield()
        try await Task.sleep(for: .seconds(3_600))
    }

    /// Returns when this many have arrived.
    nonisolated func waiting(_ count: Int) async {
        var rest = count
        for await _ in arrivals {
            rest -= 1
            if rest == 0 { return }
        }
    }

    func open() {
        isOpen = true
        for continuation in held { continuation.finish() }
        held = []
    }
}
