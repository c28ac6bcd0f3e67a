import FoundationEssentials
import Gzip
import Secrets

/// PayPal signs `id|time|webhook id|CRC-32 of the body` with RSA and SHA-256, and names the address of the certificate.
///
/// The signature is verified here, with the certificate, and not by PayPal's own operation for that: a call for each webhook would let any stranger use up our calls to
/// PayPal, would hold each request for as long as PayPal takes, and would put PayPal's credentials into the process that faces the Internet. With the certificate, a
/// webhook costs one RSA verification; the certificate is fetched once from PayPal's own host, over verified TLS.
struct PayPalScheme: WebhookScheme {
    static let name = "paypal"
    static let headers = ["paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig", "paypal-cert-url", "paypal-auth-algo"]
    static let typeField: String? = "event_type"
    /// The maximum age in seconds, as for Stripe: PayPal signs each transmission anew.
    static let tolerance = 300.0
    static let algorithm = "SHA256withRSA"
    /// The maximum length of an id, a time, and an address, in bytes.
    static let maximumLength = 500
    /// The maximum length of a signature in Base64, in bytes: enough for a key of 8,192 bits.
    static let maximumSignature = 1_400

    private let webhookID: String
    private let webhooks: PayPalWebhooks
    private let certificates: PayPalCertificates

    init(_ webhooks: PayPalWebhooks) {
        webhookID = webhooks.webhookID
        self.webhooks = webhooks
        certificates = PayPalCertificates(webhooks)
    }

    func verify(_ values: (String) -> [String], _ body: [UInt8], query _: [String: String], now: Date) async throws(WebhookFault) {
        let id = try Self.value(values, "paypal-transmission-id", Self.maximumLength)
        let time = try Self.value(values, "paypal-transmission-time", Self.maximumLength)
        let signature = try Self.value(values, "paypal-transmission-sig", Self.maximumSignature)
        let url = try Self.value(values, "paypal-cert-url", Self.maximumLength)
        guard try Self.value(values, "paypal-auth-algo", Self.maximumLength) == Self.algorithm else { throw Self.fault("PayPal-Auth-Algo", "It must be \(Self.algorithm).") }
        // Cheap checks first.
        guard let sent = Self.time(time) else { throw Self.fault("PayPal-Transmission-Time", "It is not a time.") }
        guard now.timeIntervalSince(sent) <= Self.tolerance else {
            throw Self.fault("PayPal-Transmission-Time", "It is more than \(Int(Self.tolerance)) seconds ago.")
        }
        guard let code = Base64.decode(signature) else { throw Self.fault("PayPal-Transmission-Sig", "It is not Base64.") }
        guard webhooks.isCertificate(url) else { throw Self.fault("PayPal-Cert-Url", "It is not the address of a PayPal certificate.") }
        guard let certificate = try await certificates.certificate(url, now: now) else {
            throw Self.fault("PayPal-Cert-Url", "PayPal has no such certificate.")
        }
        guard certificate.isValid(at: now) else { throw Self.fault("PayPal-Cert-Url", "The certificate is not currently valid.") }
        let message = Array("\(id)|\(time)|\(webhookID)|\(CRC32.checksum(body))".utf8)
        guard certificate.hasSigned(message, code) else { throw Self.fault("PayPal-Transmission-Sig", "It does not belong to this body.") }
        certificates.keep(certificate, url, now: now)
    }

    /// A time in RFC 3339, with or without a fraction.
    private static func time(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }

    private static func value(_ values: (String) -> [String], _ name: String, _ limit: Int) throws(WebhookFault) -> String {
        let given = values(name)
        guard let value = given.first else { throw fault(name, "The header is missing.") }
        guard given.count == 1, value.utf8.count <= limit else { throw fault(name, "The header is malformed.") }
        return value
    }

    private static func fault(_ name: String, _ detail: String) -> WebhookFault { WebhookFault(detail: "\(name): \(detail)") }
}
