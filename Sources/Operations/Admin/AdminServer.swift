import Hummingbird
public import Logging
import Messaging
import NIOCore
public import Runtime
public import ServiceLifecycle

/// Health and metrics of one process, on a separate address: `/livez`, `/readyz`, `/startupz`, `/metrics`.
///
/// `/livez` answers 200 as long as the process runs. `/readyz` answers 200 when all required checks pass within two seconds, otherwise 503, and names each failed
/// check with its reason. `/startupz` answers like `/readyz` until the required checks have passed once, and 200 from then on. `/metrics` is Prometheus' text format.
public struct AdminServer: Service {
    static let checkLimit: Duration = .seconds(2)

    private let address: ListenAddress
    private let look: ReadinessLook
    private let pages: [AdminPage]
    private let metrics: MetricsRegistry
    private let updateGauges: @Sendable () -> Void
    private let clock: any WallClock
    private let logger: Logger
    private let onReady: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - address: port 0 takes any free port, which is logged.
    ///   - updateGauges: Called before metrics are collected.
    ///   - onReady: called once with the port, as soon as connections are accepted.
    public init(
        address: ListenAddress, checks: [ReadinessCheck], pages: [AdminPage] = [], metrics: MetricsRegistry, updateGauges: @escaping @Sendable () -> Void = {}, clock: any WallClock = SystemClock(),
        logger: Logger, onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.address = address
        look = ReadinessLook(checks)
        self.pages = pages
        self.metrics = metrics
        self.updateGauges = updateGauges
        self.clock = clock
        self.logger = logger
        self.onReady = onReady
    }

    /// Serves until graceful shutdown. Throws the system's error when it cannot listen.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await look.run() }
            group.addTask { try await application.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// The report that `/readyz` returns.
    public func readiness() async -> ReadinessReport {
        let problems = await look.problems(within: Self.checkLimit, clock: clock)
        let text = problems.map { "\($0.check.name): \($0.problem)\n" }.joined()
        let isReady = !problems.contains(where: \.check.isRequired)
        return ReadinessReport(isReady: isReady, text: isReady ? "ready\n" + text : text)
    }

    private var application: some ApplicationProtocol {
        let router = Router()
        router.get("/livez") { _, _ in Self.text("alive\n") }
        router.get("/readyz") { _, _ in Self.text(await readiness()) }
        router.get("/startupz") { _, _ in look.hasPassed ? Self.text("started\n") : Self.text(await readiness()) }
        router.get("/metrics") { _, _ in
            updateGauges()
            return Self.text(metrics.exposition(), type: PrometheusText.contentType)
        }
        for page in pages {
            router.get("\(page.path)") { request, _ in
                let query = Dictionary(request.uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { first, _ in first })
                guard let content = page.content(query) else { throw HTTPError(.notFound) }
                return Self.text(content.body, type: content.type)
            }
        }
        // A server logs each connection at debug; those of probes are only noise.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return Application(
            router: router,
            configuration: .init(address: .hostname(address.host, port: address.port), serverName: nil),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                logger.info("health and metrics", metadata: ["host": "\(address.host)", "port": "\(port)"])
                await onReady(port)
            },
            logger: quiet)
    }

    private static func text(_ report: ReadinessReport) -> Response {
        text(report.text, status: report.isReady ? .ok : .serviceUnavailable)
    }

    private static func text(
        _ body: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: body)))
    }
}
