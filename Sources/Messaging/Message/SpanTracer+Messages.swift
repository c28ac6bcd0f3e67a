import AMQP
import Contracts
import Secrets
import Traces
import Tracing

/// The spans of a message: of sending it, up to the broker's confirm, and below that of each time that it is handled. Names and attributes are those of
/// OpenTelemetry's semantic conventions.
extension SpanTracer {
    /// Begins the span of sending a message, below the one that the message names. From here on the message names this one.
    func begin(sending publication: inout Publication) -> RecordedSpan {
        let properties = publication.properties
        let span = begin("publish \(properties.type ?? publication.routingKey)", .producer, below: properties.traceparent)
        publication.properties.headers[HeaderName.traceparent] = .string(span.traceparent)
        guard span.isRecording else { return span }
        var attributes = SpanAttributes.ofMessage(properties, operation: "send")
        attributes["messaging.destination.name"] = publication.exchange
        attributes["messaging.rabbitmq.destination.routing_key"] = publication.routingKey
        span.attributes = attributes
        return span
    }

    func end(_ span: RecordedSpan, _ outcome: PublishOutcome) {
        switch outcome {
        case .confirmed: break
        case .returned(_, let reason): span.setStatus(SpanStatus(code: .error, message: reason))
        case .refused: span.setStatus(SpanStatus(code: .error, message: "refused"))
        case .failed(let error): span.setStatus(SpanStatus(code: .error, message: error.message))
        }
        end(span)
    }
}

extension SpanAttributes {
    static func ofMessage(_ properties: Properties, operation: String) -> SpanAttributes {
        var attributes = SpanAttributes()
        attributes["messaging.system"] = "rabbitmq"
        attributes["messaging.operation.type"] = operation
        if let id = properties.messageID { attributes["messaging.message.id"] = id }
        if case .string(let id)? = properties.headers[HeaderName.requestID] { attributes["wharf.request.id"] = id }
        if let subject = Subject(properties.headers) { attributes["wharf.order"] = subject.order.lowerCaseText }
        return attributes
    }
}

extension Properties {
    fileprivate var traceparent: String? {
        if case .string(let text)? = headers[HeaderName.traceparent] { text } else { nil }
    }
}
