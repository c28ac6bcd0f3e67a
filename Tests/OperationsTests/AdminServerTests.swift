import Logging
import Metrics
import Synchronization
import Testing
import WebClient

@testable import Operations

@Suite(.timeLimit(.minutes(1))) struct `The admin server` {
    /// A running admin server, and its answer to a path.
    private func withServer(
        checks: [ReadinessCheck] = [], pages: [AdminPage] = [], metrics: MetricsRegistry = MetricsRegistry(), updateGauges: @escaping @Sendable () -> Void = {},
        _ body: (_ get: (String) async throws -> (status: Int, text: String)) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = AdminServer(
            address: ListenAddress(host: "127.0.0.1", port: 0), checks: checks, pages: pages, metrics: metrics, updateGauges: updateGauges, logger: quiet
        ) { continuation.yield($0) }
        let client = WebClient(logger: quiet)
        try await running(server) {
            let port = try #require(await ports.first { _ in true })
            try await body { path in
                let response = try await client.send(WebRequest(url: "http://127.0.0.1:\(port)\(path)"))
                return (response.status, String(decoding: response.body, as: UTF8.self))
            }
        }
    }

    @Test func `a process that runs is alive, and ready without checks`() async throws {
        try await withServer { get async throws in
            #expect(try await get("/livez").status == 200)
            #expect(try await get("/readyz").status == 200)
            #expect(try await get("/elsewhere").status == 404)
        }
    }

    @Test func `a part's pages are served beside health and metrics`() async throws {
        let page = AdminPage("mails") { query in query["kind"].map { $0 == "none" ? nil : .text("kind \($0)") } ?? .html("<p>All</p>") }
        try await withServer(pages: [page]) { get async throws in
            #expect(try await get("/mails") == (200, "<p>All</p>"))
            #expect(try await get("/mails?kind=order%20shipped") == (200, "kind order shipped"))
            #expect(try await get("/mails?kind=none").status == 404)
            #expect(try await get("/mails/more").status == 404)
        }
    }

    @Test func `failed checks are named, and passed ones are not`() async throws {
        let isReady = Mutex(false)
        let checks = [
            ReadinessCheck("broker") { isReady.withLock { $0 } ? nil : "not connected" }, ReadinessCheck("database") { nil },
        ]
        try await withServer(checks: checks) { get async throws in
            let answer = try await get("/readyz")
            #expect(answer.status == 503)
            #expect(answer.text == "broker: not connected\n")
            isReady.withLock { $0 = true }
            #expect(try await get("/readyz").status == 200)
        }
    }

    @Test func `a process has started once it has been ready, and remains so when it loses a dependency`() async throws {
        let isReady = Mutex(false)
        let checks = [ReadinessCheck("broker") { isReady.withLock { $0 } ? nil : "an alarm" }, ReadinessCheck("redis", isRequired: false) { "away" }]
        try await withServer(checks: checks) { get async throws in
            #expect(try await get("/startupz") == (503, "broker: an alarm\nredis: away\n"))
            isReady.withLock { $0 = true }
            #expect(try await get("/startupz").status == 200)
            isReady.withLock { $0 = false }
            #expect(try await get("/readyz").status == 503)
            #expect(try await get("/startupz") == (200, "started\n"))
        }
    }

    @Test func `optional dependencies are named and do not take the process out of service`() async throws {
        let checks = [ReadinessCheck("redis", isRequired: false) { "away" }, ReadinessCheck("database") { nil }]
        try await withServer(checks: checks) { get async throws in
            let answer = try await get("/readyz")
            #expect(answer.status == 200 && answer.text == "ready\nredis: away\n")
        }
    }

    @Test func `a check that ignores cancellation delays no answer, and is not started again`() async throws {
        let begun = Mutex(0)
        let held = Mutex<[CheckedContinuation<Void, Never>]>([])
        let checks = [
            ReadinessCheck("frozen") {
                begun.withLock { $0 += 1 }
                await withCheckedContinuation { continuation in held.withLock { $0.append(continuation) } }
                return nil
            }
        ]
        try await withServer(checks: checks) { get async throws in
            for _ in 0..<2 {
                let answer = try await get("/readyz")
                #expect(answer.status == 503 && answer.text.hasPrefix("frozen: no answer within"))
            }
            #expect(begun.withLock { $0 } == 1)
            for continuation in held.withLock({ $0 }) { continuation.resume() }
        }
    }

    @Test func `a check that hangs is a check that fails`() async throws {
        let checks = [
            ReadinessCheck("stuck") {
                try? await Task.sleep(for: .seconds(3_600))
                return nil
            }
        ]
        try await withServer(checks: checks) { get async throws in
            let answer = try await get("/readyz")
            #expect(answer.status == 503)
            #expect(answer.text.hasPrefix("stuck: no answer within"))
        }
    }

    @Test func `metrics are served as text`() async throws {
        let metrics = MetricsRegistry()
        Counter(label: "seen_total", factory: metrics).increment()
        try await withServer(metrics: metrics) { get async throws in
            #expect(try await get("/metrics").text.contains("seen_total 1\n"))
        }
    }

    @Test func `gauges are updated before they are collected`() async throws {
        let metrics = MetricsRegistry()
        let depth = Gauge(label: "depth", factory: metrics)
        try await withServer(metrics: metrics, updateGauges: { depth.record(7) }) { get async throws in
            #expect(try await get("/metrics").text.contains("depth 7\n"))
        }
    }
}
