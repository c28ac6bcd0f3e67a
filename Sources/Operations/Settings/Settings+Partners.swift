// The services of others that Wharf calls, and where their keys come from. A key that is not set is nil: its caller decides what that means.

extension Settings {
    public struct Stripe: Sendable {
        public let apiKey: String?
        public let apiBase: String
        public let webhookSecret: String?

        init(_ table: inout SettingsReader) throws(SettingError) {
            apiKey = try table.read("STRIPE_API_KEY", .text, "secret key; without one `wharf up` uses the sandbox", isSecret: true)
            apiBase = try table.read("STRIPE_API_BASE", .url("https", "http"), standard: "https://api.stripe.com", "Stripe's API")
            webhookSecret = try table.read("STRIPE_WEBHOOK_SECRET", .text, "signs Stripe's webhooks", isSecret: true)
        }
    }

    public struct PayPal: Sendable {
        public let clientID: String?
        public let clientSecret: String?
        public let apiBase: String
        public let webhookID: String?

        init(_ table: inout SettingsReader) throws(SettingError) {
            clientID = try table.read("PAYPAL_CLIENT_ID", .text, "PayPal application")
            clientSecret = try table.read("PAYPAL_CLIENT_SECRET", .text, "its secret", isSecret: true)
            apiBase = try table.read("PAYPAL_API_BASE", .url("https", "http"), standard: "https://api-m.paypal.com", "PayPal's API")
            webhookID = try table.read("PAYPAL_WEBHOOK_ID", .text, "the webhook whose signatures are checked")
        }
    }

    public struct Mail: Sendable {
        public let url: String?
        public let from: String
        public let sendGridAPIKey: String?
        public let sendGridAPIBase: String

        init(_ table: inout SettingsReader) throws(SettingError) {
            url = try table.read("WHARF_MAIL_URL", .mailURL, "how mail leaves; `wharf up` writes it to a Maildir")
            from = try table.read("WHARF_MAIL_FROM", .text, standard: "wharf@localhost", "the sender of mail")
            sendGridAPIKey = try table.read("SENDGRID_API_KEY", .text, "for sendgrid://", isSecret: true)
            sendGridAPIBase = try table.read("SENDGRID_API_BASE", .url("https", "http"), standard: "https://api.sendgrid.com", "SendGrid's API")
        }
    }

    public struct Twilio: Sendable {
        public let accountSID: String?
        public let authToken: String?
        public let from: String?
        public let apiBase: String

        init(_ table: inout SettingsReader) throws(SettingError) {
            accountSID = try table.read("TWILIO_ACCOUNT_SID", .text, "Twilio account")
            authToken = try table.read("TWILIO_AUTH_TOKEN", .text, "its token", isSecret: true)
            from = try table.read("TWILIO_FROM", .text, "the sender of text messages")
            apiBase = try table.read("TWILIO_API_BASE", .url("https", "http"), standard: "https://api.twilio.com", "Twilio's API")
        }
    }

    public struct Consul: Sendable {
        /// As Consul's own tools read it: `host:port` or a URL. nil: no role registers itself.
        public let address: String?
        public let token: String?

        init(_ table: inout SettingsReader) throws(SettingError) {
            address = try table.read("CONSUL_HTTP_ADDR", .text, "when set, every role registers itself with a TTL check")
            token = try table.read("CONSUL_HTTP_TOKEN", .text, "Consul's token", isSecret: true)
        }
    }

    public struct OpenTelemetry: Sendable {
        /// nil: no spans are exported.
        public let endpoint: String?
        /// nil: the role's name.
        public let serviceName: String?

        init(_ table: inout SettingsReader) throws(SettingError) {
            endpoint = try table.read("OTEL_EXPORTER_OTLP_ENDPOINT", .url("http", "https"), "when set, spans are exported")
            serviceName = try table.read("OTEL_SERVICE_NAME", .text, unset: "the role's name", "names this process in spans and ECS logs")
        }
    }
}
