import Secrets

/// What `wharf up` made up at random for this folder, once; kept in `secrets.json`, which only this account may read.
struct UpSecrets: Codable, Sendable, Equatable {
    /// A name that nobody owns (RFC 2606).
    static let adminEmail = "admin@wharf.example"
    /// 120 random bits, to be typed and copied by a person.
    private static let adminPasswordLength = 20

    var adminPassword: String
    var stripeAPIKey: String
    var stripeWebhookSecret: String
    /// Password by service, and of `audit`, of its PostgreSQL role.
    var database: [String: String]
    /// Password by service, and of `ingress`, of its RabbitMQ user.
    var broker: [String: String]

    /// Reads the folder's secrets, and makes and keeps those that are missing.
    static func load(from folder: StateFolder) throws(UpError) -> UpSecrets {
        let known: Partial? = try folder.read(from: StateFolder.secretsFile)
        let secrets = UpSecrets(completing: known ?? Partial(), token: SecureRandom.token)
        if Partial(secrets) != known { try folder.write(secrets, to: StateFolder.secretsFile) }
        return secrets
    }

    /// - Parameter token: gives random text that is fit for a URL, another at each call.
    init(completing known: Partial, token: () -> String) {
        adminPassword = known.adminPassword ?? String(token().prefix(Self.adminPasswordLength))
        stripeAPIKey = known.stripeAPIKey ?? "sk_test_\(token())"
        stripeWebhookSecret = known.stripeWebhookSecret ?? "whsec_\(token())"
        let services = ServiceName.allCases.map(\.rawValue)
        database = Dictionary(uniqueKeysWithValues: (services + [AuditRole.name]).map { ($0, known.database?[$0] ?? token()) })
        broker = Dictionary(uniqueKeysWithValues: (services + [CrewMember.ingress]).map { ($0, known.broker?[$0] ?? token()) })
    }

    /// The file as it may be found: of an older version, say.
    struct Partial: Codable, Equatable {
        var adminPassword: String?
        var stripeAPIKey: String?
        var stripeWebhookSecret: String?
        var database: [String: String]?
        var broker: [String: String]?

        init() {}

        init(_ secrets: UpSecrets) {
            adminPassword = secrets.adminPassword
            stripeAPIKey = secrets.stripeAPIKey
            stripeWebhookSecret = secrets.stripeWebhookSecret
            database = secrets.database
            broker = secrets.broker
        }
    }
}
