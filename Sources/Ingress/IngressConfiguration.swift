public import Contracts

/// How the ingress listens and what it accepts.
public struct IngressConfiguration: Sendable {
    public var host: String
    /// 0 for any free port.
    public var port: Int
    /// For operations without a bound of their own.
    public var maximumBodyBytes: Int
    /// Of all bodies held at once, arriving or waiting for their answers, in addition to the first 16 KiB of each; beyond it the answer is 503.
    public var maximumHeldBodyBytes: Int
    /// Concurrent requests; one more is answered 503 at once.
    public var maximumConcurrentRequests: Int
    /// Open connections; more wait in the operating system's queue.
    public var maximumConnections: Int
    /// Request line and headers together; more is answered 400.
    public var maximumHeaderBytes: Int
    /// Header fields; more is answered 400.
    public var maximumHeaders: Int
    /// How long request line and headers may take to arrive, from their first byte or from connecting; past it the connection is closed.
    public var headDeadline: Duration
    /// How long a body may take to arrive; past it the answer is 408, and a while later the connection is closed regardless of further input.
    public var bodyDeadline: Duration
    /// How long a client may take to accept its answer; past it the connection is closed.
    public var responseDeadline: Duration
    /// How long a connection may be silent between requests or within one.
    public var idleTimeout: Duration
    /// How long requests in progress may take to finish when the ingress is stopped. Above the longest deadline and wait.
    public var shutdownDeadline: Duration
    /// The secrets that may sign webhooks, by the name of their scheme (`stripe`). Webhooks without one are answered 503.
    public var webhookSecrets: [String: WebhookSecrets]
    /// The public URLs of webhooks whose signatures cover the URL, by the name of their scheme (`twilio`).
    public var webhookURLs: [String: String]
    /// What PayPal's webhooks are verified with; if nil, they are answered 503.
    public var payPalWebhooks: PayPalWebhooks?
    /// Origins whose pages may call from browsers; without any, no CORS header is sent.
    public var corsOrigins: Set<WebOrigin>
    /// Proxies whose `Forwarded` and `X-Forwarded-For` are believed; without any, a request comes from its connection's peer.
    public var trustedProxies: [Network]
    /// Seconds for which an answer that is the same for every guest is kept, and may be out of date; 0 keeps none.
    public var answerLifetime: Double
    /// The path of `openapi.yaml`.
    public var openapi: String

    public init(
        host: String = "127.0.0.1", port: Int = 8080, maximumBodyBytes: Int = 1_048_576, maximumHeldBodyBytes: Int = 67_108_864,
        maximumConcurrentRequests: Int = 5_000, maximumConnections: Int = 10_000, maximumHeaderBytes: Int = 32_768, maximumHeaders: Int = 100,
        headDeadline: Duration = .seconds(10), bodyDeadline: Duration = .seconds(20),
        responseDeadline: Duration = .seconds(30), idleTimeout: Duration = .seconds(75), shutdownDeadline: Duration = .seconds(45), webhookSecrets: [String: WebhookSecrets] = [:],
        webhookURLs: [String: String] = [:],
        payPalWebhooks: PayPalWebhooks? = nil, corsOrigins: Set<WebOrigin> = [], trustedProxies: [Network] = [], answerLifetime: Double = 0,
        openapi: String = "topology/openapi.yaml"
    ) {
        self.host = host
        self.port = port
        self.maximumBodyBytes = maximumBodyBytes
        self.maximumHeldBodyBytes = maximumHeldBodyBytes
        self.maximumConcurrentRequests = maximumConcurrentRequests
        self.maximumConnections = maximumConnections
        self.maximumHeaderBytes = maximumHeaderBytes
        self.maximumHeaders = maximumHeaders
        self.headDeadline = headDeadline
        self.bodyDeadline = bodyDeadline
        self.responseDeadline = responseDeadline
        self.idleTimeout = idleTimeout
        self.shutdownDeadline = shutdownDeadline
        self.webhookSecrets = webhookSecrets
        self.webhookURLs = webhookURLs
        self.payPalWebhooks = payPalWebhooks
        self.corsOrigins = corsOrigins
        self.trustedProxies = trustedProxies
        self.answerLifetime = answerLifetime
        self.openapi = openapi
    }
}
