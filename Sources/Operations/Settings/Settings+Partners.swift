// Third-party services that Wharf calls, and the settings for their keys. A key that is not set is nil: its caller decides what that means.

public import Secrets

extension Settings {
    /// All of them. A new partner needs a line in each part.
    struct Partners: Sendable {
        let stripe: Stripe
        let payPal: PayPal
        let mail: Mail
        let twilio: Twilio

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            stripe = try Stripe(&table, plainText)
            payPal = try PayPal(&table, plainText)
            mail = try Mail(&table, plainText)
            twilio = try Twilio(&table, plainText)
        }
    }

    public var stripe: Stripe { partners.stripe }
    public var payPal: PayPal { partners.payPal }
    public var mail: Mail { partners.mail }
    public var twilio: Twilio { partners.twilio }

    public struct PayPal: Sendable {
        public let clientID: String?
        public let clientSecret: Secret?
        public let apiBase: String
        public let webhookID: String?

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            clientID = try table.read("PAYPAL_CLIENT_ID", .text, unset: "no payments by PayPal", "client id of the PayPal application; when set, customers may pay with PayPal")
            clientSecret = try table.secret("PAYPAL_CLIENT_SECRET", "its secret")
            apiBase = try table.read("PAYPAL_API_BASE", .api(plainText), standard: "https://api-m.paypal.com", "PayPal's API")
            webhookID = try table.read("PAYPAL_WEBHOOK_ID", .text, "the webhook whose signatures are checked")
        }
    }

    public struct Mail: Sendable {
        public let url: String?
        public let from: String
        /// nil: Wharf's own wordings.
        public let templates: String?
        public let sendGridAPIKey: Secret?
        public let sendGridAPIBase: String
        /// Public keys, in Base64.
        public let sendGridWebhookKeys: [String]

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            url = try table.read("WHARF_MAIL_URL", .mailURL, "how mail leaves; `wharf-dev up` writes it to a Maildir", .url)
            from = try table.read("WHARF_MAIL_FROM", .mailAddress, standard: "Wharf <wharf@localhost>", "the sender of mail")
            templates = try table.read("WHARF_TEMPLATES", .text, unset: "Wharf's own", "a folder with the shop's own wordings, such as orderShipped.de.json")
            sendGridAPIKey = try table.secret("SENDGRID_API_KEY", "for sendgrid://")
            sendGridAPIBase = try table.read("SENDGRID_API_BASE", .api(plainText), standard: "https://api.sendgrid.com", "SendGrid's API")
            // The keys are public, but a secret one may have been pasted here by mistake.
            let keys = try table.secrets(
                "SENDGRID_WEBHOOK_KEY", unset: "no events", "the key that verifies SendGrid's signed event webhook; several are separated by commas; for the ingress")
            sendGridWebhookKeys = keys.map(\.exposed)
            guard sendGridWebhookKeys.allSatisfy({ VerifyingKey(base64: $0) != nil }) else {
                throw SettingError(
                    name: "SENDGRID_WEBHOOK_KEY", given: Redaction.shown("", .secret), reason: "not every part is such a key",
                    accepted: "verification keys in Base64 on one line, as SendGrid shows them (elliptic curve, DER); several are separated by commas")
            }
        }
    }

    public struct Twilio: Sendable {
        public let accountSID: String?
        public let authToken: Secret?
        public let from: String?
        public let apiBase: String
        /// The public URL of `/v1/webhooks/twilio`, to which Twilio reports whether text messages were delivered.
        public let webhookURL: String?

        /// The keys of webhook signatures; empty without the URL, which the signatures cover.
        public var webhookSecrets: [Secret] { webhookURL == nil ? [] : [authToken].compactMap(\.self) }

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            accountSID = try table.read("TWILIO_ACCOUNT_SID", .text, unset: "no text messages", "Twilio account; when set, customers with an international telephone number get text messages")
            authToken = try table.secret("TWILIO_AUTH_TOKEN", "its token")
            from = try table.read("TWILIO_FROM", .text, "the sender of text messages: a number, a name, or a messaging service's id")
            apiBase = try table.read("TWILIO_API_BASE", .api(plainText), standard: "https://api.twilio.com", "Twilio's API")
            webhookURL = try table.read(
                "TWILIO_WEBHOOK_URL", .api(plainText), unset: "no delivery reports",
                "the public URL of /v1/webhooks/twilio, to which Twilio reports whether text messages were delivered; for notifications and the ingress")
        }
    }

    public struct Consul: Sendable {
        /// In the form of Consul's own tools: `host:port` or a URL. nil: no role registers itself.
        public let address: String?
        public let token: Secret?

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            address = try table.read("CONSUL_HTTP_ADDR", .consul, "when set, every role registers itself with a TTL check")
            token = try table.secret("CONSUL_HTTP_TOKEN", "Consul's token")
            guard let address, token != nil else { return }
            // host:port means HTTP.
            let url = address.contains("://") ? address : "http://\(address)"
            do {
                _ = try SettingFormat.api(plainText).parse(url)
            } catch {
                throw SettingError(
                    name: "CONSUL_HTTP_ADDR", given: "\"\(Redaction.url(address))\"", reason: error.reason,
                    accepted: "https://host:port where CONSUL_HTTP_TOKEN is set")
            }
        }
    }

    public struct OpenTelemetry: Sendable {
        /// nil: no spans are exported.
        public let endpoint: String?
        /// nil: the role's name.
        public let serviceName: String?

        init(_ table: inout SettingsReader) throws(SettingError) {
            endpoint = try table.read(
                "OTEL_EXPORTER_OTLP_ENDPOINT", .endpoint, unset: "no spans", "an OpenTelemetry collector for OTLP over HTTP, to which every role sends its spans")
            serviceName = try table.read("OTEL_SERVICE_NAME", .text, unset: "the role's name", "names this process in spans and ECS logs")
        }
    }
}
