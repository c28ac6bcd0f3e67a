public import Secrets
import WebClient

extension Settings {
    public struct Stripe: Sendable {
        /// The only host that live keys may be sent to.
        private static let origin = "api.stripe.com"
        private static let testKeys = ["sk_test_", "rk_test_"]

        public let apiKey: Secret?
        public let apiBase: String
        /// Secrets that may sign webhooks: a new one is added before the old one is taken away.
        public let webhookSecrets: [Secret]

        /// Whether the key moves real money. A key that does not say that it is for tests counts as live.
        public static func isLive(_ key: Secret) -> Bool { !testKeys.contains(where: key.exposed.hasPrefix) }

        init(_ table: inout SettingsReader, _ plainText: PlainTextHosts) throws(SettingError) {
            apiKey = try table.secret("STRIPE_API_KEY", as: .stripeKey, "secret key; without one `wharf-dev up` uses the sandbox")
            apiBase = try table.read("STRIPE_API_BASE", .api(plainText), standard: "https://\(Self.origin)", "Stripe's API")
            webhookSecrets = try table.secrets("STRIPE_WEBHOOK_SECRET", "signs Stripe's webhooks; several are separated by commas")
            guard let apiKey, Self.isLive(apiKey), !Self.isStripe(apiBase) else { return }
            throw SettingError(
                name: "STRIPE_API_BASE", given: "\"\(Redaction.url(apiBase))\"",
                reason: "STRIPE_API_KEY is a live key, which goes to Stripe and nowhere else", accepted: "https://\(Self.origin) with a live key")
        }

        private static func isStripe(_ base: String) -> Bool {
            (try? Destination(setting: base, schemes: ["https"]))?.isOrigin(scheme: "https", host: origin) ?? false
        }
    }
}

extension SettingFormat where Value == String {
    /// A key that acts for the shop: a publishable one (`pk_`) and a webhook's secret (`whsec_`) do not.
    static let stripeKey = SettingFormat(
        accepted: "a secret key that begins with sk_test_, rk_test_, sk_live_ or rk_live_, without white space"
    ) { text throws(Misfit) in
        if text.hasPrefix("pk_") { throw Misfit(reason: "pk_ begins a publishable key, which cannot charge") }
        guard ["sk_", "rk_"].contains(where: text.hasPrefix) else { throw Misfit() }
        return try SettingFormat.secret.parse(text)
    }
}
