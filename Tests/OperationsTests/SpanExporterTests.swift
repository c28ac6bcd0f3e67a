import FoundationEssentials
import JSON
import Logging
import Runtime
import ServiceLifecycle
import Synchronization
import TestKit
import Testing
import Traces
import Tracing
import WebClient

@testable import Operations

/// A collector that can be busy or unavailable, or refuse spans.
private final class FakeCollector: HTTPTransport {
    enum Mood: Sendable { case working, busy, away, refusing }

    private struct State {
        var mood = Mood.working
        var requests: [WebRequest] = []
        var accepted: [WebRequest] = []
    }

    private let state = Mutex(State())

    func send(_ request: WebRequest) async throws -> WebResponse {
        try state.withLock { state in
            state.requests.append(request)
            switch state.mood {
            case .away: throw WebClientError(code: .couldNotConnect, message: "connection refused")
            case .busy: return WebResponse(status: 503)
            case .refusing: return WebResponse(status: 400)
            case .working:
                state.accepted.append(request)
                return WebResponse(status: 200, body: Array("{}".utf8))
            }
        }
    }

    func become(_ mood: Mood) { state.withLock { $0.mood = mood } }
    var requestCount: Int { state.withLock { $0.requests.count } }
    var accepted: [WebRequest] { state.withLock { $0.accepted } }

    /// The names of the spans that have arrived.
    func names() throws -> [String] {
        try accepted.flatMap { try JSON.decode(Document.self, from: $0.body).resourceSpans.flatMap { $0.scopeSpans.flatMap { $0.spans.map(\.name) } } }
    }

    private struct Document: Decodable {
        struct Resource: Decodable { let scopeSpans: [Scope] }
        struct Scope: Decodable { let spans: [Span] }
        struct Span: Decodable { let name: String }
        let resourceSpans: [Resource]
    }
}

/// Sleeps briefly, whatever duration is requested.
private struct ShortClock: WallClock {
    func now() -> Date { Date() }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: .milliseconds(2)) }
}

private struct Chance: Randomness {
    func uuid() -> UUID { UUID() }
    func fraction() -> Double { 0.5 }
}

@Suite(.timeLimit(.minutes(1))) struct `Exporting spans` {
    private let collector = FakeCollector()
    private let buffer = SpanBuffer(capacity: 1_000)
    private var tracer: SpanTracer { SpanTracer(buffer: buffer, clock: ShortClock(), randomness: Chance()) }

    private func running(_ body: () async throws -> Void) async throws {
        let exporter = SpanExporter(
            endpoint: "http://collector:4318/", transport: collector, buffer: buffer, identity: .init(service: "orders", process: "orders-17", version: "1.2.3"),
            clock: ShortClock(), logger: quiet)
        let group = ServiceGroup(configuration: .init(services: [.init(service: exporter)], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.next()
        }
    }

    private func record(_ names: String...) {
        for name in names { tracer.end(tracer.begin(name, .internal, below: nil)) }
    }

    @Test func `spans arrive by OTLP over HTTP in JSON`() async throws {
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let span = tracer.begin("handle x", .consumer, below: caller, at: Date(timeIntervalSince1970: 1_800_000_000))
        span.attributes["messaging.batch.message_count"] = 50
        span.attributes["messaging.system"] = "rabbitmq"
        span.setStatus(SpanStatus(code: .error, message: "not-now"))
        tracer.end(span)
        try await running { try await eventually { !collector.accepted.isEmpty } }
        let request = try #require(collector.accepted.first)
        #expect(request.url == "http://collector:4318/v1/traces" && request.method == "POST")
        #expect(request.headers.map { "\($0.name): \($0.value)" } == ["Content-Type: application/json"])
        guard case .object(let document) = try JSON.decode(JSONValue.self, from: request.body), case .array(let resources)? = document["resourceSpans"],
            case .object(let resource)? = resources.first, case .array(let scopes)? = resource["scopeSpans"], case .object(let scope)? = scopes.first,
            case .array(let spans)? = scope["spans"], case .object(let sent)? = spans.first
        else {
            Issue.record("\(String(decoding: request.body, as: UTF8.self))")
            return
        }
        #expect(sent["traceId"] == "0af7651916cd43dd8448eb211c80319c" && sent["parentSpanId"] == "b7ad6b7169203331")
        #expect(sent["spanId"] == .string(span.context.trace?.spanID ?? "") && sent["name"] == "handle x" && sent["kind"] == 5)
        #expect(sent["startTimeUnixNano"] == "1800000000000000000" && sent["status"] == .object(["code": 2, "message": "not-now"]))
        guard case .array(let attributes)? = sent["attributes"] else { return }
        #expect(attributes.contains(.object(["key": "messaging.batch.message_count", "value": .object(["intValue": "50"])])))
        #expect(attributes.contains(.object(["key": "messaging.system", "value": .object(["stringValue": "rabbitmq"])])))
        #expect(String(decoding: request.body, as: UTF8.self).contains(#"{"key":"service.name","value":{"stringValue":"orders"}}"#))
    }

    @Test(arguments: [FakeCollector.Mood.away, .busy]) fileprivate func `spans wait for a collector that is unavailable or busy`(mood: FakeCollector.Mood) async throws {
        collector.become(mood)
        record("a", "b")
        try await running {
            try await eventually { collector.requestCount > 2 }
            record("c")
            collector.become(.working)
            try await eventually { try collector.names() == ["a", "b", "c"] }
        }
    }

    @Test func `spans that the collector refuses are dropped and do not delay the rest`() async throws {
        collector.become(.refusing)
        record("a")
        try await running {
            try await eventually { collector.requestCount == 1 && buffer.count == 0 }
            collector.become(.working)
            record("b")
            try await eventually { try collector.names() == ["b"] }
        }
    }

    @Test func `the last spans leave when the process stops, in batches`() async throws {
        collector.become(.away)
        for number in 1...700 { record("\(number)") }
        try await running {
            try await eventually { collector.requestCount > 0 }
            collector.become(.working)
        }
        #expect(try collector.names().count == 700)
        #expect(collector.accepted.count == 2)
    }

    @Test func `a call within a span is recorded below it, without path or query, and a call outside any span is not recorded`() async throws {
        let transport = TracedTransport(collector, tracer: tracer)
        let request = WebRequest(method: "POST", url: "https://api.vendor.example/v1/secret?token=t")
        _ = try await transport.send(request)
        #expect(buffer.count == 0)
        let span = tracer.begin("handle x", .consumer, below: nil)
        try await InstrumentationContext.withValue(span.context) { _ = try await transport.send(request) }
        collector.become(.busy)
        try await InstrumentationContext.withValue(span.context) { _ = try await transport.send(request) }
        let calls = buffer.take(10)
        #expect(calls.map(\.name) == ["POST api.vendor.example", "POST api.vendor.example"])
        #expect(calls.map(\.parentID) == [span.context.trace?.spanID, span.context.trace?.spanID])
        #expect(calls.map { $0.status?.code } == [nil, .error])
        #expect(!"\(calls)".contains("secret") && !"\(calls)".contains("token"))
    }
}
