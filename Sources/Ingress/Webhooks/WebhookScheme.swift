import FoundationEssentials

/// How a sender of webhooks authenticates them. A new scheme is a folder and a line in `all`.
protocol WebhookScheme: Sendable {
    /// As `signature` in openapi.yaml and the configuration name it.
    static var name: String { get }
    /// The headers that carry the proof, in lower case; operations document them as parameters.
    static var headers: [String] { get }

    /// - Parameter secrets: Any of them may have signed: a sender uses a new one before or after this process knows it.
    init(secrets: [String])

    /// - Parameter values: The values of all headers of a name.
    func verify(_ values: (String) -> [String], _ body: [UInt8], now: Date) throws(WebhookFault)

    /// - Parameter url: The public URL of the operation, as its sender was given it; nil where it is not configured.
    init(secrets: [String], url: String?)

    /// - Parameter query: The parameters after the URL, for a sender that signs them, too.
    func verify(_ values: (String) -> [String], _ body: [UInt8], query: [String: String], now: Date) throws(WebhookFault)
}

/// Most senders sign the body alone.
extension WebhookScheme {
    init(secrets: [String], url: String?) {
        self.init(secrets: secrets)
    }

    func verify(_ values: (String) -> [String], _ body: [UInt8], query: [String: String], now: Date) throws(WebhookFault) {
        try verify(values, body, now: now)
    }
}

/// Why a webhook is rejected; for its sender, so without secrets.
struct WebhookFault: Error {
    let detail: String
}

enum WebhookSchemes {
    static let all: [any WebhookScheme.Type] = [StripeScheme.self, TwilioScheme.self]

    static func named(_ name: String) -> (any WebhookScheme.Type)? { all.first { $0.name == name } }

    /// Those with secrets, by name.
    static func configured(_ secrets: [String: [String]], urls: [String: String] = [:]) -> [String: any WebhookScheme] {
        var schemes: [String: any WebhookScheme] = [:]
        for scheme in all {
            guard let own = secrets[scheme.name], !own.isEmpty else { continue }
            schemes[scheme.name] = scheme.init(secrets: own, url: urls[scheme.name])
        }
        return schemes
    }
}
