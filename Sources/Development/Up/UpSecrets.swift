import Assembly
import LocalState
import Secrets

/// Secrets that `wharf-dev up` generated at random for this folder, once; kept in `secrets.json`, which only this account may read.
package struct UpSecrets: Codable, Sendable, Equatable {
    /// A domain that cannot be registered (RFC 2606).
    package static let adminEmail = "admin@wharf.example"
    /// 120 random bits, to be typed and copied by a person.
    private static let adminPasswordLength = 20

    package var adminPassword: String
    package var stripeAPIKey: String
    var stripeWebhookSecret: String
    var payPalClientSecret: String
    /// Password by service, and of `audit`, of its PostgreSQL role.
    package var database: [String: String]
    /// The passwords of the RabbitMQ users, by service, `ingress`, `console` or `monitoring`.
    package var broker: [String: String]

    /// Reads the folder's secrets, and generates and stores the missing ones.
    package static func load(from folder: StateFolder) throws(UpError) -> UpSecrets {
        let known: Partial? = try folder.read(from: StateFolder.secretsFile)
        let secrets = UpSecrets(completing: known ?? Partial(), token: SecureRandom.token)
        if Partial(secrets) != known { try folder.write(secrets, to: StateFolder.secretsFile) }
        return secrets
    }

    /// - Parameter token: returns random text that is fit for a URL, different at each call.
    package init(completing known: Partial, token: () -> String) {
        adminPassword = known.adminPassword ?? String(token().prefix(Self.adminPasswordLength))
        stripeAPIKey = known.stripeAPIKey ?? "sk_test_\(token())"
        stripeWebhookSecret = known.stripeWebhookSecret ?? "whsec_\(token())"
        payPalClientSecret = known.payPalClientSecret ?? token()
        let services = ServiceName.allCases.map(\.rawValue)
        database = Dictionary(uniqueKeysWithValues: (services + [AuditRole.name]).map { ($0, known.database?[$0] ?? token()) })
        broker = Dictionary(uniqueKeysWithValues: (services + [ChildSpec.ingress, ChildSpec.console, Assembly.monitoring]).map { ($0, known.broker?[$0] ?? token()) })
    }

    /// The file as it may be found: of an older version, say.
    package struct Partial: Codable, Equatable {
        package var adminPassword: String?
        package var stripeAPIKey: String?
        var stripeWebhookSecret: String?
        var payPalClientSecret: String?
        package var database: [String: String]?
        package var broker: [String: String]?

        package init() {}

        package init(_ secrets: UpSecrets) {
            adminPassword = secrets.adminPassword
            stripeAPIKey = secrets.stripeAPIKey
            stripeWebhookSecret = secrets.stripeWebhookSecret
            payPalClientSecret = secrets.payPalClientSecret
            database = secrets.database
            broker = secrets.broker
        }
    }
}
