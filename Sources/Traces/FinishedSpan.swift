public import Tracing

/// A span that has ended, as it is exported.
public struct FinishedSpan: Sendable {
    public let trace: TraceContext
    /// Nil for the first span of a trace.
    public let parentID: String?
    public let name: String
    public let kind: SpanKind
    /// Nanoseconds since 1970 (UTC).
    public let start: UInt64
    public let end: UInt64
    public let attributes: SpanAttributes
    public let status: SpanStatus?
}
