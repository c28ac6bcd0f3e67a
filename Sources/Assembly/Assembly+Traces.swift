import Operations
import Traces
import WebClient

extension Assembly {
    /// Starts tracing the role if a collector is set; returns the service that sends the spans there.
    mutating func startTracing(_ role: String) -> SpanExporter? {
        guard let endpoint = settings.openTelemetry.endpoint else { return nil }
        let buffer = SpanBuffer()
        tracer = SpanTracer(buffer: buffer, clock: clock, randomness: randomness)
        return SpanExporter(
            endpoint: endpoint, transport: WebClient(logger: logger("traces")), buffer: buffer,
            identity: .init(service: settings.openTelemetry.serviceName ?? role, process: name, version: Version.current), clock: clock, logger: logger("traces"))
    }

    /// A client for calls that belong to the handling of a message.
    func traced(_ client: WebClient) -> any HTTPTransport {
        tracer.map { TracedTransport(client, tracer: $0) } ?? client
    }
}
