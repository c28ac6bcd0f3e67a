import FoundationEssentials
import Glibc
import IOThreads
import Instruments
import JSON
public import Logging
import Metrics
public import Runtime
public import ServiceLifecycle
public import Traces
public import WebClient

/// Sends the spans of this process to a collector by OTLP/HTTP, in batches.
///
/// Nothing waits for it, and an unavailable collector only loses spans: the batch in progress is sent again after pauses that grow to half a minute, while the
/// buffer drops the oldest of the others. Starts before the parts that make spans and stops after them, with one last attempt.
public struct SpanExporter: Service {
    static let interval: Duration = .milliseconds(500)
    /// Spans in one request: some 300 KB.
    static let batch = 512
    static let timeout: Duration = .seconds(10)
    /// For each request while the process stops, because a stop has little time.
    static let lastTimeout: Duration = .seconds(2)
    static let firstPause: Duration = .seconds(1)
    static let longestPause: Duration = .seconds(30)
    private static let maximumResponseBytes = 65_536
    /// The statuses of a busy collector (OTLP specification); any other error is permanent.
    private static let temporary: Set<Int> = [429, 502, 503, 504]

    /// What the collector learns about this process.
    public struct Identity: Sendable {
        let service: String
        let process: String
        let version: String

        /// - Parameters:
        ///   - service: As dashboards name it, such as `orders`.
        ///   - process: A name that is unique on the machine, such as `orders-4711`.
        public init(service: String, process: String, version: String) {
            self.service = service
            self.process = process
            self.version = version
        }
    }

    private enum Answer {
        case accepted
        case refused(String)
        case unavailable(String)
    }

    private let url: String
    private let transport: any HTTPTransport
    private let buffer: SpanBuffer
    private let identity: Identity
    private let clock: any WallClock
    private let logger: Logger
    private let resource: [OTLPDocument.Attribute]
    private let exported = Instrument.spansExported.counter()
    private let dropped = Instrument.spansDropped.counter("not accepted")

    /// - Parameter endpoint: the collector's base URL, to which `/v1/traces` is appended.
    public init(endpoint: String, transport: any HTTPTransport, buffer: SpanBuffer, identity: Identity, clock: any WallClock, logger: Logger) {
        url = "\(endpoint.withoutTrailingSlash)/v1/traces"
        self.transport = transport
        self.buffer = buffer
        self.identity = identity
        self.clock = clock
        self.logger = logger
        resource = [
            .init("service.name", .text(identity.service)), .init("service.namespace", .text("wharf")), .init("service.version", .text(identity.version)),
            .init("service.instance.id", .text("\(identity.process)@\(ProcessInfo.processInfo.hostName)")),
            .init("process.pid", .init(intValue: "\(getpid())")),
        ]
    }

    /// Returns when the process stops, after a last attempt.
    public func run() async throws {
        var backoff = Backoff(first: Self.firstPause, longest: Self.longestPause)
        var pending: [FinishedSpan] = []
        var isAway = false
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            var pause = Self.interval
            if let reason = await export(&pending, timeout: Self.timeout) {
                if !isAway { logger.warning("cannot send spans to the collector", metadata: ["error": "\(reason)"]) }
                isAway = true
                pause = backoff.next()
            } else {
                if isAway { logger.notice("sending spans to the collector again") }
                isAway = false
                backoff.reset()
            }
            try? await cancelWhenGracefulShutdown { [pause] in try await clock.sleep(for: pause) }
        }
        _ = await export(&pending, timeout: Self.lastTimeout)
    }

    /// Sends all waiting spans; returns the reason if the rest has to be sent again.
    private func export(_ pending: inout [FinishedSpan], timeout: Duration) async -> String? {
        while true {
            if pending.isEmpty { pending = buffer.take(Self.batch) }
            guard !pending.isEmpty else { return nil }
            switch await send(pending, timeout: timeout) {
            case .accepted: exported.increment(by: pending.count)
            case .refused(let reason):
                dropped.increment(by: pending.count)
                logger.warning("the collector refused spans", metadata: ["error": "\(reason)", "count": "\(pending.count)"])
            case .unavailable(let reason): return reason
            }
            pending = []
        }
    }

    private func send(_ spans: [FinishedSpan], timeout: Duration) async -> Answer {
        do {
            let body = try JSON.encode(OTLPDocument(spans, resource: resource, version: identity.version))
            let response = try await transport.send(
                WebRequest(
                    method: "POST", url: url, headers: [(name: "Content-Type", value: "application/json")], body: body, timeout: timeout,
                    maximumResponseBytes: Self.maximumResponseBytes))
            if response.isSuccess { return .accepted }
            let reason = "status \(response.status)"
            return Self.temporary.contains(response.status) ? .unavailable(reason) : .refused(reason)
        } catch let error as WebClientError {
            return .unavailable(error.message)
        } catch {
            return .refused("\(error)")
        }
    }
}
