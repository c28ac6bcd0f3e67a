public import FoundationEssentials
public import Runtime
public import Tracing

/// Records spans for their export: the tracer of swift-distributed-tracing, `InstrumentationSystem.bootstrap(tracer)`.
///
/// A span below another is recorded if that one is (the `sampled` flag of its `traceparent`); the first span of a trace always is.
public struct SpanTracer: Tracer {
    private let buffer: SpanBuffer
    private let clock: any WallClock
    private let randomness: any Randomness

    public init(buffer: SpanBuffer, clock: any WallClock, randomness: any Randomness) {
        self.buffer = buffer
        self.clock = clock
        self.randomness = randomness
    }

    /// Begins a span below the one that a `traceparent` names, or the first of a trace. The clock's times begin and end it.
    public func begin(_ name: String, _ kind: SpanKind, below traceparent: String?, at time: Date? = nil) -> RecordedSpan {
        var context = InstrumentationContext.topLevel
        context.trace = traceparent.flatMap(TraceContext.init)
        return begin(name, kind, in: context, at: time)
    }

    public func begin(_ name: String, _ kind: SpanKind, in context: InstrumentationContext, at time: Date? = nil) -> RecordedSpan {
        startSpan(name, context: context, ofKind: kind, at: SpanTime(time ?? clock.now()), function: "", file: "", line: 0)
    }

    public func end(_ span: RecordedSpan) {
        span.end(at: SpanTime(clock.now()))
    }

    // MARK: Tracer

    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> InstrumentationContext, ofKind kind: SpanKind, at instant: @autoclosure () -> Instant,
        function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        let parent = context()
        return RecordedSpan(
            operationName, kind, TraceContext(below: parent.trace, randomness: randomness), below: parent, start: instant().nanosecondsSinceEpoch, into: buffer)
    }

    /// The exporter does it in its own time.
    public func forceFlush() {}

    private static let header = "traceparent"

    public func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract)
    where Extract.Carrier == Carrier {
        context.trace = extractor.extract(key: Self.header, from: carrier).flatMap(TraceContext.init)
    }

    public func inject<Carrier, Inject: Injector>(_ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject)
    where Inject.Carrier == Carrier {
        if let trace = context.trace { injector.inject(trace.header, forKey: Self.header, into: &carrier) }
    }
}

/// A time of a ``WallClock``.
private struct SpanTime: TracerInstant {
    let nanosecondsSinceEpoch: UInt64

    init(_ time: Date) {
        nanosecondsSinceEpoch = UInt64(max(0, time.timeIntervalSince1970) * 1e9)
    }

    static func < (lhs: SpanTime, rhs: SpanTime) -> Bool { lhs.nanosecondsSinceEpoch < rhs.nanosecondsSinceEpoch }
}
