import FoundationEssentials
import Runtime
import Testing
import Tracing

@testable import Traces

private struct Noon: WallClock {
    func now() -> Date { Date(timeIntervalSince1970: 1_800_000_000) }
    func sleep(for duration: Duration) async throws {}
}

private struct Chance: Randomness {
    func uuid() -> UUID { UUID() }
    func fraction() -> Double { 0.5 }
}

private struct Headers: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

@Suite struct `Recording spans` {
    private let buffer = SpanBuffer(capacity: 3)
    private var tracer: SpanTracer { SpanTracer(buffer: buffer, clock: Noon(), randomness: Chance()) }

    @Test func `a span has its own id in the trace of the one above it`() throws {
        let first = tracer.begin("first", .server, below: nil)
        let second = tracer.begin("second", .internal, in: first.context)
        let third = tracer.begin("third", .consumer, below: second.traceparent)
        for span in [third, second, first] { tracer.end(span) }
        let spans = buffer.take(10)
        #expect(spans.map(\.name) == ["third", "second", "first"])
        #expect(Set(spans.map(\.trace.traceID)).count == 1 && Set(spans.map(\.trace.spanID)).count == 3)
        #expect(spans.map(\.parentID) == [second.context.trace?.spanID, first.context.trace?.spanID, nil])
        #expect(spans.allSatisfy { $0.start == 1_800_000_000_000_000_000 && $0.end == $0.start })
    }

    /// (traceparent of the caller, whether the span is recorded)
    @Test(arguments: [
        (nil, true), ("nonsense", true), ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", true), ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02", false),
    ])
    func `the caller decides whether a trace is recorded, and without one it is`(caller: String?, isRecorded: Bool) {
        let span = tracer.begin("x", .server, below: caller)
        let below = tracer.begin("y", .internal, below: span.traceparent)
        #expect(span.isRecording == isRecorded && below.isRecording == isRecorded)
        tracer.end(below)
        tracer.end(span)
        #expect(buffer.count == (isRecorded ? 2 : 0))
    }

    @Test func `a span counts once, with what it was given last`() {
        let span = tracer.begin("x", .client, below: nil)
        span.operationName = "y"
        span.attributes["a"] = "b"
        span.recordError(CancellationError())
        tracer.end(span)
        span.operationName = "z"
        tracer.end(span)
        let spans = buffer.take(10)
        #expect(spans.map(\.name) == ["y"])
        #expect(spans.first?.status?.code == .error && spans.first?.attributes.get("a") == "b")
    }

    @Test func `a full buffer loses the oldest spans`() {
        for number in 1...5 { tracer.end(tracer.begin("\(number)", .internal, below: nil)) }
        #expect(buffer.take(2).map(\.name) == ["3", "4"])
        for number in 6...8 { tracer.end(tracer.begin("\(number)", .internal, below: nil)) }
        #expect(buffer.take(10).map(\.name) == ["6", "7", "8"])
        #expect(buffer.take(10).isEmpty)
    }

    @Test func `the position is injected into any carrier and extracted from it`() {
        let span = tracer.begin("x", .server, below: nil)
        var headers: [String: String] = [:]
        tracer.inject(span.context, into: &headers, using: Headers())
        #expect(headers == ["traceparent": span.traceparent])
        var context = InstrumentationContext.topLevel
        tracer.extract(headers, into: &context, using: Headers())
        #expect(context.trace == span.context.trace)
    }
}
