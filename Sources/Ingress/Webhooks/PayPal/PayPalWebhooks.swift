import WebClient

/// What PayPal's webhooks are checked by.
public struct PayPalWebhooks: Sendable {
    /// The path of PayPal's certificates, before the name of each.
    static let path = "/v1/notifications/certs/"
    static let nameLength = 1...120

    /// The id of the webhook at PayPal, which each signature covers.
    public let webhookID: String
    /// `https://host`, without a trailing slash: the only servers from which certificates are fetched.
    public let origins: [String]
    /// Fetches a certificate's PEM file over verified TLS, without following redirects; returns nil if the server has none of that name.
    let fetch: @Sendable (_ url: String) async throws -> [UInt8]?

    /// - Parameter apiBase: PayPal's API, or a server that implements it. PayPal serves its own certificates from another host.
    public init(webhookID: String, apiBase: String, fetch: @escaping @Sendable (_ url: String) async throws -> [UInt8]?) {
        self.webhookID = webhookID
        let base = apiBase.withoutTrailingSlash
        origins =
            switch base {
            case "https://api-m.paypal.com", "https://api.paypal.com": ["https://api.paypal.com", "https://api-m.paypal.com"]
            case "https://api-m.sandbox.paypal.com", "https://api.sandbox.paypal.com": ["https://api.sandbox.paypal.com", "https://api-m.sandbox.paypal.com"]
            default: [base]
            }
        self.fetch = fetch
    }

    /// Whether it is exactly the address of a PayPal certificate: nothing in it can lead to another server or path.
    func isCertificate(_ url: String) -> Bool {
        origins.contains { origin in
            guard url.hasPrefix(origin + Self.path) else { return false }
            let name = url.utf8.dropFirst((origin + Self.path).utf8.count)
            return Self.nameLength.contains(name.count)
                && name.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                    default: false
                    }
                }
        }
    }
}
