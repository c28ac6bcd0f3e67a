import Synchronization
public import Tracing

/// A span of ``SpanTracer``. Its events and links are not kept; of an error it keeps that there was one.
public final class RecordedSpan: Span {
    private struct State {
        var name: String
        var attributes = SpanAttributes()
        var status: SpanStatus?
        var hasEnded = false
    }

    public let context: InstrumentationContext
    private let trace: TraceContext
    private let parentID: String?
    private let kind: SpanKind
    private let start: UInt64
    private let state: Mutex<State>
    /// Nil where the trace is not recorded.
    private let buffer: SpanBuffer?

    init(_ name: String, _ kind: SpanKind, _ trace: TraceContext, below parent: InstrumentationContext, start: UInt64, into buffer: SpanBuffer) {
        var context = parent
        context.trace = trace
        self.context = context
        self.trace = trace
        self.kind = kind
        self.start = start
        parentID = parent.trace?.spanID
        state = Mutex(State(name: name))
        self.buffer = trace.isSampled ? buffer : nil
    }

    /// What a message or a request below this span carries.
    public var traceparent: String { trace.header }

    public var isRecording: Bool { buffer != nil }

    public var operationName: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }

    public var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { state.withLock { $0.attributes = newValue } }
    }

    public func setStatus(_ status: SpanStatus) {
        state.withLock { $0.status = status }
    }

    public func recordError<Instant: TracerInstant>(_ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant) {
        setStatus(SpanStatus(code: .error))
    }

    public func addEvent(_ event: SpanEvent) {}
    public func addLink(_ link: SpanLink) {}

    /// Only the first end counts.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let buffer else { return }
        let end = instant().nanosecondsSinceEpoch
        let finished: FinishedSpan? = state.withLock { state in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            return FinishedSpan(
                trace: trace, parentID: parentID, name: state.name, kind: kind, start: start, end: end, attributes: state.attributes, status: state.status)
        }
        if let finished { buffer.add(finished) }
    }
}
