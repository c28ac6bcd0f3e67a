import FoundationEssentials
public import Traces
import Tracing
public import WebClient

/// A transport that records each request as a span below the current one; a request outside any span is not recorded.
///
/// It does not pass the trace on, because the servers it calls are not Wharf's.
public struct TracedTransport: HTTPTransport {
    private let transport: any HTTPTransport
    private let tracer: SpanTracer

    public init(_ transport: any HTTPTransport, tracer: SpanTracer) {
        self.transport = transport
        self.tracer = tracer
    }

    public func send(_ request: WebRequest) async throws -> WebResponse {
        guard let context = InstrumentationContext.current, context.trace?.isSampled == true else { return try await transport.send(request) }
        // Paths and queries may contain secrets.
        let host = URL(string: request.url)?.host() ?? ""
        let span = tracer.begin("\(request.method) \(host)", .client, in: context)
        defer { tracer.end(span) }
        var attributes = SpanAttributes()
        attributes["http.request.method"] = request.method
        attributes["server.address"] = host
        span.attributes = attributes
        do {
            let response = try await transport.send(request)
            attributes["http.response.status_code"] = response.status
            span.attributes = attributes
            if response.status >= 400 { span.setStatus(SpanStatus(code: .error)) }
            return response
        } catch {
            span.setStatus(SpanStatus(code: .error, message: (error as? WebClientError)?.message))
            throw error
        }
    }
}
