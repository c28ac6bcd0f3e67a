/// The settings of a ``Sandbox``.
public struct SandboxConfiguration: Sendable {
    /// The address to listen on.
    public var host: String
    /// The port to listen on; 0 takes any free one, which `onReady` then receives.
    public var port: Int
    /// What clients send as the Bearer token, or as the user of HTTP Basic.
    public var apiKey: String
    /// Signs the webhooks.
    public var webhookSecret: String
    /// The URL to which events are posted; if nil, none are sent.
    public var webhookURL: String?
    /// The types of Stripe events that are posted, like those selected for an endpoint at Stripe; nil for all.
    public var webhookEvents: Set<String>?
    /// A file that outlives the process: a sandbox started again with it knows every payment, refund and idempotency key,
    /// and continues with the webhooks that were not delivered. nil keeps all in memory. For one sandbox at a time.
    public var ledgerFile: String?
    /// Added to every answer of Stripe's API.
    public var latency: Duration
    /// The sandbox's base URL for the customer's browser, without a slash at its end, for the links to its 3-D Secure page.
    /// nil: `http://host:port`.
    public var publicURL: String?
    /// The settings of the PayPal sandbox; nil for none.
    public var payPal: PayPalAccount?

    public init(
        host: String = "127.0.0.1", port: Int = 0, apiKey: String, webhookSecret: String, webhookURL: String? = nil,
        ledgerFile: String? = nil, latency: Duration = .zero, publicURL: String? = nil
    ) {
        self.host = host
        self.port = port
        self.apiKey = apiKey
        self.webhookSecret = webhookSecret
        self.webhookURL = webhookURL
        self.ledgerFile = ledgerFile
        self.latency = latency
        self.publicURL = publicURL
    }

    func validate() throws(SandboxError) {
        func require(_ isMet: Bool, _ message: String) throws(SandboxError) {
            guard isMet else { throw SandboxError(code: .invalidConfiguration, message: message) }
        }
        try require(!host.isEmpty, "host is empty")
        try require((0...65_535).contains(port), "port is \(port): it must be 0 to 65535")
        try require(!apiKey.isEmpty, "apiKey is empty")
        try require(!webhookSecret.isEmpty, "webhookSecret is empty")
        try require(latency >= .zero, "latency is negative")
        if let webhookURL {
            try require(webhookURL.hasPrefix("http://") || webhookURL.hasPrefix("https://"), "webhookURL is not an http or https URL")
        }
    }
}
