import Assembly
import FoundationEssentials
import LocalState

/// The environment of each process. A process gets the credentials of its own role and no others, so that one that is taken over opens no other
/// door; administrators' credentials stay with this process.
package struct ChildEnvironment: Sendable {
    /// Variables that hold credentials or addresses.
    private static let withheld = ["WHARF_", "STRIPE_", "PAYPAL_", "SENDGRID_", "TWILIO_"]
    /// What every process inherits from the environment: common settings, and those of the system's libraries. A shell holds much else, some of it secret.
    private static let shared: Set<String> = [
        "WHARF_MAIL_FROM", "WHARF_INSECURE_HOSTS", "LOG_LEVEL", "LOG_FORMAT", "PATH", "HOME", "TMPDIR", "TZ", "LANG", "SWIFT_BACKTRACE", "LD_LIBRARY_PATH",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGPASSFILE",
    ]
    /// The same, by prefix: settings, locales, and the settings of sanitizers and of the profiler.
    private static let sharedFamilies = ["CONSUL_", "OTEL_", "LC_", "ASAN_", "TSAN_", "UBSAN_", "LSAN_", "LLVM_PROFILE_"]
    /// Proxy settings, for calls to the payment gateway and to the vendors that carry messages.
    private static let proxies: Set<String> = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"]

    private static let gateways = "WHARF_GATEWAYS"
    private static let briefBacktrace = "threads=crashed,images=mentioned,registers=none,symbolicate=off,interactive=no,color=no"

    /// The environment of this process.
    package let outer: [String: String]
    /// Whether a service's own URL in the environment counts: it does not lead to private servers.
    package let isExternal: Bool
    package let urls: ServerURLs
    package let secrets: UpSecrets
    /// `host:port` of the ingress.
    package let httpAddress: String
    /// `host:port` of the web console; nil for a run without one.
    package let consoleAddress: String?
    /// The sandbox's base URL; nil when a real gateway's key is set.
    package let sandboxURL: String?
    /// The Maildir, for when no mail server is set.
    package let mailFolder: String
    /// The file that advances the shop's clock; only for private servers and the sandbox, which use the same clock.
    package let clockFile: String?

    package init(
        outer: [String: String], isExternal: Bool, urls: ServerURLs, secrets: UpSecrets, httpAddress: String, consoleAddress: String? = nil, sandboxURL: String?,
        mailFolder: String, clockFile: String? = nil
    ) {
        self.outer = outer
        self.isExternal = isExternal
        self.urls = urls
        self.secrets = secrets
        self.httpAddress = httpAddress
        self.consoleAddress = consoleAddress
        self.sandboxURL = sandboxURL
        self.mailFolder = mailFolder
        self.clockFile = isExternal || sandboxURL == nil ? nil : clockFile
    }

    func variables(for kind: ChildSpec.Kind) -> [String: String] {
        var variables = common
        switch kind {
        case .ingress:
            variables["WHARF_HTTP_ADDRESS"] = httpAddress
            let own = [
                "WHARF_CORS_ORIGINS", "WHARF_TRUSTED_PROXIES", "WHARF_CACHE_SECONDS", "WHARF_DRAIN_SECONDS", "TWILIO_AUTH_TOKEN", "TWILIO_WEBHOOK_URL", "SENDGRID_WEBHOOK_KEY",
            ]
            for name in own { variables[name] = outer[name] }
            variables["WHARF_AMQP_URL_INGRESS"] = brokerURL(ChildSpec.ingress)
            if offersStripe { variables["STRIPE_WEBHOOK_SECRET"] = stripe["STRIPE_WEBHOOK_SECRET"] }
            // It verifies signatures with PayPal's certificates, which are public.
            for name in ["PAYPAL_API_BASE", "PAYPAL_WEBHOOK_ID"] { variables[name] = payPal[name] }
            // Certificates are fetched from the Internet.
            for name in Self.proxies { variables[name] = outer[name] }
        case .console:
            variables["WHARF_CONSOLE_ADDRESS"] = consoleAddress
            variables["WHARF_TRUSTED_PROXIES"] = outer["WHARF_TRUSTED_PROXIES"]
            variables["WHARF_AMQP_URL_CONSOLE"] = brokerURL(ChildSpec.console)
            variables[ServerURLs.managementVariable] = consoleManagementURL
        case .sandbox:
            for name in ["STRIPE_API_KEY", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET"] { variables[name] = stripe[name] }
            variables.merge(payPalSandbox) { $1 }
        case .worker(let service):
            let name = service.rawValue
            variables["WHARF_AMQP_URL_\(name.uppercased())"] = brokerURL(name)
            variables["WHARF_POSTGRES_URL_\(name.uppercased())"] = databaseURL(name)
            variables.merge(integrations(of: service)) { $1 }
        }
        return variables
    }

    /// For the work before the roles start: all URLs, the administrators' included.
    package var setup: [String: String] {
        var variables = common
        variables[ServerURLs.amqpVariable] = urls.amqp
        variables[ServerURLs.postgresVariable] = urls.postgres
        variables[ServerURLs.redisVariable] = urls.redis
        variables[ServerURLs.managementVariable] = urls.management
        variables["WHARF_AMQP_URL_INGRESS"] = brokerURL(ChildSpec.ingress)
        variables["WHARF_AMQP_URL_CONSOLE"] = brokerURL(ChildSpec.console)
        variables["WHARF_AMQP_URL_MONITORING"] = brokerURL(Assembly.monitoring)
        for service in ServiceName.allCases.map(\.rawValue) {
            variables["WHARF_AMQP_URL_\(service.uppercased())"] = brokerURL(service)
            variables["WHARF_POSTGRES_URL_\(service.uppercased())"] = databaseURL(service)
        }
        variables["WHARF_POSTGRES_URL_\(AuditRole.name.uppercased())"] = databaseURL(AuditRole.name)
        variables[Self.gateways] = outer[Self.gateways]
        // For commands that read the sandbox's ledger. Only the operator may pass on a real gateway's key.
        if sandboxURL != nil { variables.merge(stripe) { $1 } }
        variables.merge(payPalSandbox) { $1 }
        return variables
    }

    /// The settings written for commands that are run beside this one: settings alone, and nothing else from the environment.
    package var tools: [String: String] {
        var settings = setup
        settings["WHARF_MAIL_URL"] = mailURL
        return settings.filter { name, _ in Self.withheld.contains { name.hasPrefix($0) } }
    }

    private var common: [String: String] {
        var variables = outer.filter { name, _ in
            Self.shared.contains(name) || Self.sharedFamilies.contains { name.hasPrefix($0) }
        }
        // Any free port: there are many of them on one machine.
        variables["WHARF_ADMIN_ADDRESS"] = "127.0.0.1:0"
        // A process that crashes holds its deliveries until it has ended. Looking up symbols takes seconds; addresses and images can be resolved later.
        if outer["SWIFT_BACKTRACE"] == nil { variables["SWIFT_BACKTRACE"] = Self.briefBacktrace }
        variables["WHARF_TEST_CLOCK"] = clockFile
        // For readers of the log files.
        if outer["LOG_FORMAT"] == nil { variables["LOG_FORMAT"] = "text" }
        return variables
    }

    private func integrations(of service: ServiceName) -> [String: String] {
        switch service {
        case .users:
            return [ServerURLs.redisVariable: urls.redis]
        case .payments:
            return outer.filter { ["WHARF_CAPTURE", Self.gateways].contains($0.key) || Self.proxies.contains($0.key) }
                .merging(((offersStripe ? stripe : [:]).merging(payPal) { $1 }).filter { !["STRIPE_WEBHOOK_SECRET", "PAYPAL_WEBHOOK_ID"].contains($0.key) }) { $1 }
        case .notifications:
            var variables = outer.filter { name, _ in
                ["SENDGRID_", "TWILIO_", "WHARF_TEMPLATES"].contains(where: name.hasPrefix) || Self.proxies.contains(name)
            }
            variables["WHARF_MAIL_URL"] = mailURL
            return variables
        // Offers PayPal if it is set up; the client id is not a secret.
        case .carts: return payPal.merging(outer.filter { $0.key == Self.gateways }) { $1 }.filter { ["PAYPAL_CLIENT_ID", Self.gateways].contains($0.key) }
        case .deadletters: return outer.filter { $0.key.hasPrefix("WHARF_DEAD_LETTER_") || Self.proxies.contains($0.key) }
        default:
            return [:]
        }
    }

    /// Whether mail goes into the Maildir.
    var usesMailFolder: Bool { outer["WHARF_MAIL_URL", default: ""].isEmpty }

    private var mailURL: String {
        usesMailFolder ? URL(filePath: mailFolder).absoluteString : outer["WHARF_MAIL_URL", default: ""]
    }

    /// Whether customers may pay with Stripe. A key of one's own is used in any case: earlier payments may be refunded.
    var offersStripe: Bool {
        let names = outer[Self.gateways, default: ""]
        return names.isEmpty || !outer["STRIPE_API_KEY", default: ""].isEmpty || names.split(separator: ",").contains("stripe")
    }

    private var stripe: [String: String] {
        guard let sandboxURL else { return outer.filter { $0.key.hasPrefix("STRIPE_") } }
        return [
            "STRIPE_API_KEY": secrets.stripeAPIKey, "STRIPE_API_BASE": sandboxURL,
            "STRIPE_WEBHOOK_SECRET": secrets.stripeWebhookSecret,
        ]
    }

    /// The PayPal settings of the environment, or else those of the sandbox.
    private var payPal: [String: String] {
        let own = outer.filter { $0.key.hasPrefix("PAYPAL_") && !$0.value.isEmpty }
        return own.isEmpty ? payPalSandbox : own
    }

    /// Empty if there is no sandbox, or if the environment has PayPal settings of its own.
    private var payPalSandbox: [String: String] {
        guard let sandboxURL, !outer.contains(where: { $0.key.hasPrefix("PAYPAL_") && !$0.value.isEmpty }) else { return [:] }
        return [
            "PAYPAL_CLIENT_ID": "sandbox", "PAYPAL_CLIENT_SECRET": secrets.payPalClientSecret, "PAYPAL_API_BASE": sandboxURL, "PAYPAL_WEBHOOK_ID": "SANDBOX1",
        ]
    }

    private func brokerURL(_ user: String) -> String {
        given("\(ServerURLs.amqpVariable)_\(user.uppercased())")
            ?? ServerURLs.url(urls.amqp, user: user, password: secrets.broker[user, default: ""])
    }

    /// A service's role in the database, whose name is the service's; `audit` is one of them.
    func databaseURL(_ service: String) -> String {
        given("\(ServerURLs.postgresVariable)_\(service.uppercased())")
            ?? ServerURLs.url(urls.postgres, user: service, password: secrets.database[service, default: ""])
    }

    /// The console's user may only read the management API.
    private var consoleManagementURL: String? {
        isExternal ? nil : ServerURLs.url(ServerURLs.withoutCredentials(urls.management), user: ChildSpec.console, password: secrets.broker[ChildSpec.console, default: ""])
    }

    private func given(_ name: String) -> String? {
        isExternal ? outer[name] : nil
    }
}
