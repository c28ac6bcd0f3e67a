import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import Messaging
public import Runtime
public import ServiceLifecycle
import Traces

/// HTTP in, messages out. Knows no service: `openapi.yaml` defines what it does with a request.
///
/// `run()` listens until it is shut down; then it accepts no new requests and finishes those in progress, for at most
/// `shutdownDeadline`.
public final class Ingress: Service {
    public let document: OpenAPIDocument
    /// Who was asked for lately; `ServiceChanges` makes it forget.
    public let sessions: SessionCache
    /// What guests have read lately; `ServiceChanges` makes it forget.
    public let answers: AnswerCache

    /// If gateways check `/readyz`, begin the drain some seconds before this service shuts down.
    public let drain = Drain()

    private let responder: IngressResponder
    private let watch: ChangeWatch
    private let configuration: IngressConfiguration
    private let clock: any WallClock
    private let randomness: any Randomness
    private let logger: Logger
    private let onReady: @Sendable (Int) -> Void

    /// Reads the document that the configuration names; throws an ``OpenAPIError`` when it is not a valid routing table, which the process should exit with.
    ///
    /// - Parameter onReady: Called once with the port, when requests are accepted.
    public convenience init(
        configuration: IngressConfiguration, requests: any Requesting, clock: any WallClock, randomness: any Randomness,
        logger: Logger, onReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) throws(OpenAPIError) {
        try self.init(
            configuration: configuration, document: try OpenAPIDocument(path: configuration.openapi), requests: requests,
            clock: clock, randomness: randomness, logger: logger, onReady: onReady)
    }

    /// Creates an ingress for a document that has been read. Throws when the reference pages of the document cannot be rendered.
    ///
    /// - Parameter tracer: Nil where nothing is traced.
    public init(
        configuration: IngressConfiguration, document: OpenAPIDocument, requests: any Requesting, clock: any WallClock,
        randomness: any Randomness, logger: Logger, tracer: SpanTracer? = nil, onReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) throws(OpenAPIError) {
        let sessions = SessionCache()
        let resolver = SessionResolver(cache: sessions, requests: requests, clock: clock, randomness: randomness)
        let dispatcher = Dispatcher(requests: requests, clock: clock, randomness: randomness, logger: logger)
        let answers = AnswerCache(of: document.endpoints, lifetime: configuration.answerLifetime)
        watch = ChangeWatch(requests: requests, clock: clock, randomness: randomness)
        responder = IngressResponder(
            pages: try Pages(document: document, requests: requests, drain: drain),
            gate: Gate(
                routes: document.routes, sessions: resolver, maximumBodyBytes: configuration.maximumBodyBytes,
                webhooks: WebhookSchemes.configured(configuration), clock: clock),
            dispatcher: dispatcher, uploads: Uploads(dispatcher: dispatcher, clock: clock), watch: watch, answers: answers,
            admission: ConcurrencyLimit(limit: configuration.maximumConcurrentRequests),
            metrics: IngressMetrics(document.endpoints), bodyDeadline: configuration.bodyDeadline,
            bodies: BodyBudget(bytes: configuration.maximumHeldBodyBytes), crossOrigin: CrossOrigin(configuration.corsOrigins),
            clientAddress: ClientAddress(trustedProxies: configuration.trustedProxies), clock: clock,
            randomness: randomness, logger: logger, tracer: tracer)
        self.document = document
        self.sessions = sessions
        self.answers = answers
        self.configuration = configuration
        self.clock = clock
        self.randomness = randomness
        self.logger = logger
        self.onReady = onReady
    }

    public func run() async throws {
        let application = application()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask { await self.watch.run() }
            group.addTask {
                try await gracefulShutdown()
                // Listeners would hold up the shutdown; they reconnect to another process.
                self.watch.end()
                try await self.clock.sleep(for: self.configuration.shutdownDeadline)
                self.logger.info("requests were still in progress at the shutdown deadline")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func application() -> Application<IngressResponder> {
        BoundedServer(configuration: configuration, malformed: malformedAnswer, logger: logger).application(responder, onReady: onReady)
    }

    private var malformedAnswer: @Sendable () -> (head: HTTPResponse, body: [UInt8]) {
        { [randomness] in
            let id = randomness.uuid().uuidString.lowercased()
            let reply = Refusal.badRequest("This is not a well-formed HTTP request, or its headers are too large.").closing.reply
            let trace = TraceContext(continuing: nil, randomness: randomness)
            return (IngressResponder.response(reply, id: id, trace: trace).head, reply.body)
        }
    }
}
