public import Contracts
import FoundationEssentials
public import Logging

/// All settings of a process, typed. The initialiser is their table: name, format, default, meaning. ``LiveSettings`` reads them again.
public struct Settings: Sendable {
    public let httpAddress: ListenAddress
    public let adminAddress: ListenAddress
    /// Seconds for which a stopping ingress continues to accept requests.
    public let drainSeconds: Double
    public let consoleAddress: ListenAddress
    /// Origins whose pages may call the ingress from browsers.
    public let corsOrigins: Set<WebOrigin>
    /// How long an ingress keeps an answer of the catalog.
    public let cacheSeconds: Double
    /// Proxies whose word is taken for where a request comes from.
    public let trustedProxies: [Network]
    /// How long an order says whom it went to after its customer has deleted the account.
    public let orderRetentionDays: Int
    /// The gateways that customers may pay with; nil: Stripe, and PayPal where it is set up.
    public let gateways: Set<GatewayName>?
    /// When the money of new orders is taken.
    public let capture: CaptureMode
    /// RabbitMQ's management API, with an administrator's credentials; nil where it is not needed.
    public let managementURL: String?
    public let redisURL: String
    /// Payment gateways, and the vendors that carry messages.
    let partners: Partners
    public let deadLetters: DeadLetters
    public let consul: Consul
    public let openTelemetry: OpenTelemetry
    public let logLevel: Logger.Level
    /// nil: `text` on a terminal, `ecs` elsewhere.
    public let logFormat: LogFormat?

    /// The file that advances the clock of a test shop.
    let testClock: String?

    /// The services with URLs of their own.
    let services: [String]
    private let plainText: PlainTextHosts
    private let amqpURL: String
    private let amqpURLs: [String: String]
    private let postgresURL: String
    private let postgresURLs: [String: String]
    let rows: [Row]
    private let environment: [String: String]
    /// The contents of the files from which these settings were read, by variable.
    let fileContents: [String: [UInt8]]
    private let fileable: Set<String>
    /// Variables that begin with `WHARF_` and are not settings, one line each, with the name that may have been meant.
    public let warnings: [String]

    /// - Parameter services: The services for which `WHARF_AMQP_URL_<SERVICE>` and `WHARF_POSTGRES_URL_<SERVICE>` are settings.
    /// - Throws: ``SettingError`` for the first invalid setting.
    public init(environment: [String: String], services: [String]) throws(SettingError) {
        self.services = services
        self.environment = environment
        var table = SettingsReader(environment: environment)
        httpAddress = try table.read(
            "WHARF_HTTP_ADDRESS", .address, standard: ListenAddress(host: "127.0.0.1", port: 8080), "where the ingress listens")
        adminAddress = try table.read(
            "WHARF_ADMIN_ADDRESS", .address, standard: ListenAddress(host: "127.0.0.1", port: 0), "health and metrics of any role; port 0 is any free one, which is logged")
        consoleAddress = try table.read(
            "WHARF_CONSOLE_ADDRESS", .address, standard: ListenAddress(host: "127.0.0.1", port: 8090), "where the web console listens")
        cacheSeconds = try table.read(
            "WHARF_CACHE_SECONDS", .seconds(0...60), standard: 1, "how long an ingress keeps the catalog's answers to guests; 0 for not at all")
        drainSeconds = try table.read(
            "WHARF_DRAIN_SECONDS", .seconds(0...30), standard: 0, "how long a stopping ingress accepts requests but reports that it is not ready, so that gateways stop using it")
        corsOrigins =
            try table.read(
                "WHARF_CORS_ORIGINS", .origins, unset: "none", "origins whose pages may call the ingress from browsers, separated by commas") ?? []
        trustedProxies =
            try table.read(
                "WHARF_TRUSTED_PROXIES", .networks, unset: "none",
                "addresses or networks of proxies whose Forwarded and X-Forwarded-For are believed, separated by commas") ?? []
        gateways = try table.read(
            "WHARF_GATEWAYS", .gateways, unset: "stripe, and paypal where PAYPAL_CLIENT_ID is set",
            "the gateways that customers may pay with, separated by commas; for carts and payments")
        capture = try table.read(
            "WHARF_CAPTURE", .captureMode, standard: .automatic, "automatic: payments are captured at the checkout; manual: they are authorized there, and captured at the first shipment")
        orderRetentionDays = try table.read(
            "WHARF_ORDER_RETENTION_DAYS", .days, standard: 0,
            "how many days after it was placed an order keeps the name and addresses of a customer who has deleted the account")
        plainText = PlainTextHosts(
            named: try table.read(
                "WHARF_INSECURE_HOSTS", .hosts, unset: "none", "hosts besides this machine that may be spoken to without TLS, separated by commas") ?? [])
        amqpURL = try table.read(
            "WHARF_AMQP_URL", .broker(plainText), standard: "amqp://guest:guest@127.0.0.1:5672/", "RabbitMQ", .url)
        amqpURLs = try table.overrides("WHARF_AMQP_URL", of: services, .broker(plainText), "RabbitMQ")
        postgresURL = try table.read(
            "WHARF_POSTGRES_URL", .database, standard: "postgres://postgres@127.0.0.1:5432/wharf", "PostgreSQL, in libpq's form", .url)
        postgresURLs = try table.overrides("WHARF_POSTGRES_URL", of: services, .database, "PostgreSQL")
        managementURL = try table.read(
            "WHARF_RABBITMQ_MANAGEMENT_URL", .nodesAPI(plainText), unset: "none",
            "RabbitMQ's management API on any of its nodes, with an administrator's user and password; for console and autoscale the tag monitoring is enough", .url)
        redisURL = try table.read("WHARF_REDIS_URL", .cache(plainText), standard: "redis://127.0.0.1:6379/0", "Redis", .url)
        partners = try Partners(&table, plainText)
        deadLetters = try DeadLetters(&table, plainText)
        consul = try Consul(&table, plainText)
        openTelemetry = try OpenTelemetry(&table)
        logLevel = try table.read("LOG_LEVEL", .logLevel, standard: .info, "the least important level that is logged")
        logFormat = try table.read("LOG_FORMAT", .logFormat, unset: "text on a terminal, else ecs", "how log lines look")
        testClock = try table.read(
            Self.testClockName, .text, unset: "none", "a file that advances the clock, for tests on one machine; see wharf-dev clock; refused everywhere else")
        rows = table.rows
        fileable = table.fileable
        let overrides = Self.overrides(of: services)
        fileContents = table.fileContents
        warnings = Self.warnings(
            environment: environment, known: table.rows.map(\.name) + overrides + (table.fileable + overrides).map(SecretFile.variable))
        try checkTestClock()
    }

    /// The settings with the current contents of their files.
    /// - Throws: ``SettingError`` for the first invalid setting.
    func readAgain() throws(SettingError) -> Settings { try Settings(environment: environment, services: services) }

    /// The files that settings were read from.
    var filePaths: [String] { fileContents.keys.sorted().compactMap { environment[$0] } }

    /// What the files contain now. A file that cannot be read is left out.
    var currentFileContents: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: fileContents.keys.compactMap { variable in environment[variable].flatMap(SecretFile.contents).map { (variable, $0) } })
    }

    /// The broker's URL for one service: its own if it has one, otherwise the common one.
    public func amqpURL(for service: String) -> String { amqpURLs[service] ?? amqpURL }

    /// The database's URL for one service: its own if it has one, otherwise the common one.
    public func postgresURL(for service: String) -> String { postgresURLs[service] ?? postgresURL }

    /// Whether credentials and customers' data may go to this host without TLS: it is this machine, including sockets, or WHARF_INSECURE_HOSTS
    /// names it. Every client asks here, so that one setting governs all of them.
    public func allowsPlainText(to host: String) -> Bool { plainText.allows(host) }

    /// The environment with secret files replaced by their contents, for a process that passes settings to others.
    /// - Throws: ``SettingError`` for a file that cannot be used.
    public static func readingFiles(_ environment: [String: String], services: [String]) throws(SettingError) -> [String: String] {
        let names = try Settings(environment: [:], services: services).fileable.union(overrides(of: services))
        var environment = environment
        for name in names.sorted() {
            guard let text = try SecretFile.read(for: name, in: environment) else { continue }
            environment[name] = text
            environment[SecretFile.variable(name)] = nil
        }
        return environment
    }

    /// The names of single services' URLs.
    private static func overrides(of services: [String]) -> [String] {
        services.flatMap { service in ["WHARF_AMQP_URL", "WHARF_POSTGRES_URL"].map { SettingsReader.override($0, service) } }
    }

    private static func warnings(environment: [String: String], known: [String]) -> [String] {
        let names = Set(known)
        return environment.keys.filter { $0.hasPrefix("WHARF_") && !names.contains($0) }.sorted().map { name in
            let meant = NearestName.nearest(to: name, among: names.sorted()).map { "; did you mean \($0)?" } ?? ""
            return "\(name) is not a setting" + meant
        }
    }
}

extension SettingsReader {
    static func override(_ name: String, _ service: String) -> String {
        "\(name)_\(service.uppercased())"
    }

    /// The settings of single services, by service. Only those that are set are in the table: it would be long.
    fileprivate mutating func overrides(
        _ name: String, of services: [String], _ format: SettingFormat<String>, _ meaning: String
    ) throws(SettingError) -> [String: String] {
        var urls: [String: String] = [:]
        for service in services {
            let own = Self.override(name, service)
            guard has(own) else { continue }
            urls[service] = try read(own, format, unset: name, "\(meaning), for \(service) alone", .url)
        }
        return urls
    }
}
