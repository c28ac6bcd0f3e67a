import AMQP
import FoundationEssentials
import Traces
import Tracing

/// The spans of handling messages: from when a batch is taken until its messages are settled. A retry is another span beside the first.
extension BatchProcessor {
    /// Nil where nothing is traced. From here on the request and its outputs name the span.
    func beginSpan(of request: inout Request, in delivery: Delivery, batch: Int, at now: Date) -> RecordedSpan? {
        guard let tracer else { return nil }
        let span = tracer.begin("handle \(request.operation)", .consumer, below: request.traceparent, at: now)
        request.traceparent = span.traceparent
        guard span.isRecording else { return span }
        request.context = span.context
        var attributes = SpanAttributes.ofMessage(delivery.properties, operation: "process")
        attributes["messaging.destination.name"] = queue
        attributes["messaging.batch.message_count"] = batch
        attributes["wharf.attempt"] = request.attempt + 1
        span.attributes = attributes
        return span
    }

    func endSpans(of settlements: [Settlement]) {
        guard let tracer else { return }
        for settlement in settlements {
            guard let span = settlement.span else { continue }
            switch settlement.result {
            case .handled: break
            case .expired: span.setStatus(SpanStatus(code: .error, message: "expired"))
            case .failed(let failure): span.setStatus(SpanStatus(code: .error, message: failure.cause))
            }
            tracer.end(span)
        }
    }

    /// What a message leads to, on its way.
    struct Sending {
        let owner: Int
        let span: RecordedSpan
    }

    func beginSending(_ publication: inout Publication, of owner: Int) -> Sending? {
        guard let tracer else { return nil }
        return Sending(owner: owner, span: tracer.begin(sending: &publication))
    }

    /// - Parameter unsettled: The messages whose outputs were not all confirmed, with the reasons.
    func end(_ sendings: [Sending], _ unsettled: [Int: Failure?]) {
        guard let tracer else { return }
        for sending in sendings {
            if let failure = unsettled[sending.owner] { sending.span.setStatus(SpanStatus(code: .error, message: failure?.cause ?? "not sent")) }
            tracer.end(sending.span)
        }
    }
}
