import FoundationEssentials

/// How a sender of webhooks authenticates them. A new scheme needs a folder, and a line in each of `all` and `configured`.
protocol WebhookScheme: Sendable {
    /// As `signature` in openapi.yaml and the configuration name it.
    static var name: String { get }
    /// The headers that carry the proof, in lower case; operations document them as parameters.
    static var headers: [String] { get }
    /// The field of an event that names its type; nil if events have none.
    static var typeField: String? { get }

    /// - Parameter values: The values of all headers of a name.
    /// - Parameter query: The query parameters of the URL, for a sender that also signs them.
    func verify(_ values: (String) -> [String], _ body: [UInt8], query: [String: String], now: Date) async throws(WebhookFault)
}

/// Why a webhook is rejected; for its sender, so without secrets.
struct WebhookFault: Error {
    let detail: String
    /// Whether the webhook cannot be verified at the moment, and should be sent again.
    var isTemporary = false
}

/// The secrets that may sign webhooks, read again for each webhook. Any of them may have signed it: a sender may start to use a new one before or after this process knows it.
public struct WebhookSecrets: Sendable, ExpressibleByArrayLiteral {
    let current: @Sendable () -> [String]

    public init(current: @escaping @Sendable () -> [String]) { self.current = current }

    public init(arrayLiteral secrets: String...) { current = { secrets } }
}

enum WebhookSchemes {
    static let all: [any WebhookScheme.Type] = [StripeScheme.self, PayPalScheme.self, TwilioScheme.self, SendGridScheme.self]

    static func named(_ name: String) -> (any WebhookScheme.Type)? { all.first { $0.name == name } }

    /// The schemes that are set up, by name.
    static func configured(_ configuration: IngressConfiguration) -> [String: any WebhookScheme] {
        let bySecret: [(name: String, scheme: (WebhookSecrets) -> any WebhookScheme)] = [
            (StripeScheme.name, { StripeScheme(secrets: $0) }), (SendGridScheme.name, { SendGridScheme(secrets: $0) }),
            (TwilioScheme.name, { TwilioScheme(secrets: $0, url: configuration.webhookURLs[TwilioScheme.name]) }),
        ]
        var schemes: [String: any WebhookScheme] = [:]
        for (name, scheme) in bySecret {
            if let secrets = configuration.webhookSecrets[name], !secrets.current().isEmpty { schemes[name] = scheme(secrets) }
        }
        if let payPal = configuration.payPalWebhooks { schemes[PayPalScheme.name] = PayPalScheme(payPal) }
        return schemes
    }
}
