import Logging

/// Sends HTTP requests and mail through libcurl. Safe to use from any number of tasks; one instance serves a process.
///
/// - Connections are kept alive and used again; each carries one request at a time.
/// - TLS certificates are always verified. No proxy is used, unless the client is made to use the environment's.
/// - A request that ends early, by its timeout or its task's cancellation, gives its connection up.
/// - A request is sent once. Only GET, HEAD, PUT, DELETE and OPTIONS are sent again, when a connection that was kept alive
///   turns out to be dead before any byte of a response.
///
/// Close it with ``shutdown()``, or by releasing it.
public final class WebClient: HTTPTransport {
    /// How many messages are under way to mail servers at once; the others wait.
    public static let maximumConcurrentMail = 8

    private let web: TransferLoop
    /// libcurl waits in place for a mail server's last reply, so mail has a thread of its own.
    private let mail: TransferLoop
    private let logger: Logger

    /// - Parameters:
    ///   - maximumConcurrent: How many requests run at once.
    ///   - maximumWaiting: How many wait for their turn; beyond that a request fails at once with
    ///     ``WebClientError/Code/overloaded``. Holds for requests and for mail separately.
    ///   - maximumPerHost: How many requests to one host and port run at once.
    ///   - connectTimeout: How long an HTTP connection may take to be up, its TLS included.
    ///   - userAgent: Sent with every HTTP request that has no such header of its own.
    ///   - certificateAuthorityFile: PEM certificates to trust instead of the system's.
    ///   - usesEnvironmentProxy: Whether the environment's `https_proxy`, `all_proxy` and `no_proxy` are heeded, by HTTPS to other machines: for what
    ///     is on the Internet. HTTP, which a proxy would read, and this machine are reached directly always.
    ///   - allowsPlainText: Whether mail may go to this host without TLS when the server offers none.
    public init(
        maximumConcurrent: Int = 128,
        maximumWaiting: Int = 1000,
        maximumPerHost: Int = 64,
        connectTimeout: Duration = .seconds(3),
        userAgent: String = "wharf",
        certificateAuthorityFile: String? = nil,
        usesEnvironmentProxy: Bool = false,
        allowsPlainText: @escaping @Sendable (_ host: String) -> Bool = { Host.isLoopback($0) },
        logger: Logger
    ) {
        let settings = TransferEngine.Settings(
            connectTimeout: connectTimeout, userAgent: userAgent, certificateAuthorityFile: certificateAuthorityFile,
            keptConnections: maximumConcurrent, usesEnvironmentProxy: usesEnvironmentProxy, allowsPlainText: allowsPlainText)
        web = TransferLoop(
            limits: .init(concurrent: maximumConcurrent, concurrentPerHost: maximumPerHost, waiting: maximumWaiting),
            settings: settings, logger: logger)
        mail = TransferLoop(
            limits: .init(
                concurrent: Self.maximumConcurrentMail, concurrentPerHost: Self.maximumConcurrentMail, waiting: maximumWaiting),
            settings: settings, logger: logger)
        self.logger = logger
    }

    deinit {
        shutdown()
    }

    public func send(_ request: WebRequest) async throws(WebClientError) -> WebResponse {
        try request.validate()
        let destination = try Destination(request.url, schemes: ["http", "https"])
        let transfer = Transfer(.http(request), destination: destination, deadline: .now + request.timeout)
        return try await perform(transfer, on: web)
    }

    /// Returns when the server has accepted the message for every recipient, and is responsible for it from then on.
    ///
    /// A refusal is an error of code ``WebClientError/Code/smtp(status:)``.
    public func sendMail(_ envelope: MailEnvelope) async throws(WebClientError) {
        try envelope.validate()
        let destination = try Destination(envelope.url, schemes: ["smtp", "smtps"])
        let transfer = Transfer(.mail(envelope), destination: destination, deadline: .now + envelope.timeout)
        _ = try await perform(transfer, on: mail)
    }

    /// Fails requests under way with ``WebClientError/Code/shutDown``, and all later ones. Returns at once; may be
    /// called again.
    public func shutdown() {
        web.shutDown()
        mail.shutDown()
    }

    private func perform(_ transfer: Transfer, on loop: TransferLoop) async throws(WebClientError) -> WebResponse {
        let outcome = await loop.run(transfer)
        if case .failure(let error) = outcome {
            logger.debug("request failed", metadata: ["host": "\(transfer.destination.authority)", "error": "\(error)"])
        }
        return try outcome.get()
    }
}
