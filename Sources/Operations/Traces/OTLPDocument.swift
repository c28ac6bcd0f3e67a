import Traces
import Tracing

/// Spans as OTLP/HTTP carries them in JSON: ids in hexadecimal, and 64-bit numbers as texts.
struct OTLPDocument: Encodable {
    struct Attribute: Encodable {
        let key: String
        let value: Value

        init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// One of its members.
    struct Value: Encodable {
        var stringValue: String?
        var intValue: String?
        var doubleValue: Double?
        var boolValue: Bool?

        static func text(_ text: String) -> Value { Value(stringValue: text) }
    }

    struct Resource: Encodable {
        let attributes: [Attribute]
    }

    struct Scope: Encodable {
        let name: String
        let version: String
    }

    struct Status: Encodable {
        let code: Int
        let message: String?
    }

    struct Span: Encodable {
        let traceId: String
        let spanId: String
        let parentSpanId: String?
        let name: String
        let kind: Int
        let startTimeUnixNano: String
        let endTimeUnixNano: String
        let attributes: [Attribute]
        let status: Status?
    }

    struct ScopeSpans: Encodable {
        let scope: Scope
        let spans: [Span]
    }

    struct ResourceSpans: Encodable {
        let resource: Resource
        let scopeSpans: [ScopeSpans]
    }

    let resourceSpans: [ResourceSpans]

    init(_ spans: [FinishedSpan], resource: [Attribute], version: String) {
        resourceSpans = [
            ResourceSpans(
                resource: Resource(attributes: resource), scopeSpans: [ScopeSpans(scope: Scope(name: "wharf", version: version), spans: spans.map(Span.init))])
        ]
    }
}

extension OTLPDocument.Span {
    fileprivate init(_ span: FinishedSpan) {
        var attributes: [OTLPDocument.Attribute] = []
        span.attributes.forEach { attributes.append(OTLPDocument.Attribute($0, OTLPDocument.Value($1))) }
        self.init(
            traceId: span.trace.traceID, spanId: span.trace.spanID, parentSpanId: span.parentID, name: span.name, kind: Self.number(span.kind),
            startTimeUnixNano: "\(span.start)", endTimeUnixNano: "\(max(span.start, span.end))", attributes: attributes,
            status: span.status.map { OTLPDocument.Status(code: $0.code == .error ? 2 : 1, message: $0.message) })
    }

    private static func number(_ kind: SpanKind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}

extension OTLPDocument.Value {
    fileprivate init(_ attribute: SpanAttribute) {
        switch attribute {
        case .int32(let number): self.init(intValue: "\(number)")
        case .int64(let number): self.init(intValue: "\(number)")
        case .double(let number): self.init(doubleValue: number)
        case .bool(let value): self.init(boolValue: value)
        case .string(let text): self.init(stringValue: text)
        case .stringConvertible(let value): self.init(stringValue: "\(value)")
        // Wharf's spans have no lists.
        default: self.init(stringValue: "\(attribute)")
        }
    }
}
