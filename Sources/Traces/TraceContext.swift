public import Runtime
import Secrets
public import Tracing

/// A position in a distributed trace (W3C Trace Context): a trace, and one span of it.
public struct TraceContext: Sendable, Equatable {
    public let traceID: String
    public let spanID: String
    /// Two hexadecimal digits; the lowest bit says whether the trace is recorded.
    public let flags: String

    private static let sampled = "01"
    private static let traceIDDigits = 32
    private static let spanIDDigits = 16

    /// The span below the one that `header` names; the first of a new trace when there is no header or it is malformed.
    public init(continuing header: String?, randomness: any Randomness) {
        self.init(below: header.flatMap(TraceContext.init), randomness: randomness)
    }

    /// A span below `parent`, and recorded if it is; nil begins a trace, which is recorded.
    public init(below parent: TraceContext?, randomness: any Randomness) {
        traceID = parent?.traceID ?? Self.digits(Self.traceIDDigits, randomness)
        spanID = Self.digits(Self.spanIDDigits, randomness)
        flags = parent?.flags ?? Self.sampled
    }

    /// Reads a `traceparent`; nil when it is malformed.
    public init?(_ header: String) {
        var parts = header.split(separator: "-", omittingEmptySubsequences: false)[...]
        guard let version = parts.popFirst(), let traceID = parts.popFirst(), let spanID = parts.popFirst(), let flags = parts.popFirst(),
            Self.isHex(version, 2), Self.isHex(traceID, Self.traceIDDigits), Self.isHex(spanID, Self.spanIDDigits), Self.isHex(flags, 2),
            // A later version may have more fields.
            version != "ff", version != "00" || parts.isEmpty,
            traceID.contains(where: { $0 != "0" }), spanID.contains(where: { $0 != "0" })
        else { return nil }
        self.traceID = String(traceID)
        self.spanID = String(spanID)
        self.flags = String(flags)
    }

    /// The `traceparent`.
    public var header: String { "00-\(traceID)-\(spanID)-\(flags)" }

    public var isSampled: Bool { UInt8(flags, radix: 16).map { $0 & 1 == 1 } ?? false }

    private static func isHex(_ text: Substring, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Never all zeros: a version 4 UUID has a bit that is always set among its first eight bytes.
    private static func digits(_ count: Int, _ randomness: any Randomness) -> String {
        let digits = randomness.uuid().lowerCaseText.utf8.lazy.filter { $0 != UInt8(ascii: "-") }
        return String(decoding: digits.prefix(count), as: UTF8.self)
    }
}

extension InstrumentationContext {
    /// The span in which something happens.
    public var trace: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    private enum TraceKey: InstrumentationContextKey {
        typealias Value = TraceContext
        static let nameOverride: String? = "traceparent"
    }
}
