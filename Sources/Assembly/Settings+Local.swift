import FoundationEssentials
import Operations

extension Settings {
    /// Not a service: its URL is the common one, which is an administrator's where services have their own.
    package static let administrator = "administrator"
    /// The file that `wharf-dev up` writes for commands run beside it in the same folder.
    static let localFile = ".wharf/environment.json"

    /// The settings that lead a role to its servers.
    private static let ways = ["WHARF_AMQP_URL", "WHARF_POSTGRES_URL"]

    /// The roles with separate URLs in `WHARF_AMQP_URL_<ROLE>` and `WHARF_POSTGRES_URL_<ROLE>`: every service, and these four.
    private static let rolesWithServers = ServiceName.allCases.map(\.rawValue) + [Assembly.ingress, Assembly.console, Assembly.monitoring, AuditRole.name]

    /// - Throws: ``SettingError`` for the first invalid setting.
    package init(environment: [String: String]) throws(SettingError) {
        try self.init(environment: environment, services: Self.rolesWithServers)
    }

    /// The environment with secret files replaced by their contents, for a process that passes settings to others.
    /// - Throws: ``SettingError`` for a file that cannot be used.
    package static func readingFiles(_ environment: [String: String]) throws(SettingError) -> [String: String] {
        try readingFiles(environment, services: rolesWithServers)
    }

    /// The settings of a role: the environment's. If the environment names no server, they are those that `wharf-dev up` in this folder gives its own process of
    /// that role, so that one more can be started beside it.
    package static func load(role: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Settings {
        let isTold = environment.contains { name, value in !value.isEmpty && ways.contains { name.hasPrefix($0) } }
        guard !isTold, let beside = try local() else { return try Settings(environment: environment) }
        return try Settings(environment: environment.merging(beside.filter { isOwn($0.key, of: role) }) { own, _ in own })
    }

    /// Whether a role takes over a setting that `wharf-dev up` has written: the role's own, as if `wharf-dev up` had started it.
    package static func isOwn(_ name: String, of role: String) -> Bool {
        let own = role.uppercased()
        if ["WHARF_MAIL_FROM", "WHARF_INSECURE_HOSTS", "WHARF_AMQP_URL_\(own)", "WHARF_POSTGRES_URL_\(own)"].contains(name) { return true }
        switch ServiceName(rawValue: role) {
        case .users: return name == "WHARF_REDIS_URL"
        case .payments:
            return name == "WHARF_CAPTURE" || name == "WHARF_GATEWAYS" || (name.hasPrefix("STRIPE_") && name != "STRIPE_WEBHOOK_SECRET")
                || (name.hasPrefix("PAYPAL_") && name != "PAYPAL_WEBHOOK_ID")
        case .notifications: return name == "WHARF_MAIL_URL"
        case .carts: return name == "PAYPAL_CLIENT_ID" || name == "WHARF_GATEWAYS"
        case .deadletters: return name.hasPrefix("WHARF_DEAD_LETTER_")
        case nil:
            if role == Assembly.autoscaler { return name == "WHARF_RABBITMQ_MANAGEMENT_URL" }
            return role == "ingress"
                && ["STRIPE_WEBHOOK_SECRET", "PAYPAL_API_BASE", "PAYPAL_WEBHOOK_ID", "TWILIO_AUTH_TOKEN", "TWILIO_WEBHOOK_URL", "SENDGRID_WEBHOOK_KEY"].contains(name)
        default: return false
        }
    }

    /// Prefixes of the settings that hold the secrets of a single role, apart from the URLs in ``ways``.
    private static let secretsOfRoles = [
        "STRIPE_", "PAYPAL_", "SENDGRID_", "TWILIO_", "WHARF_DEAD_LETTER_", "WHARF_MAIL_URL", "WHARF_REDIS_URL", "WHARF_RABBITMQ_MANAGEMENT_URL",
    ]

    /// The environment of a child process for a role, without the secrets of other roles, of administrators and of the management API.
    package static func environment(for role: String, from environment: [String: String]) -> [String: String] {
        let own = ways.filter { way in ["", "_FILE"].contains { !environment["\(way)_\(role.uppercased())\($0)", default: ""].isEmpty } }
        return environment.filter { variable, _ in
            let name = variable.hasSuffix("_FILE") ? String(variable.dropLast("_FILE".count)) : variable
            if ways.contains(name) { return !own.contains(name) }
            guard (ways.map { "\($0)_" } + secretsOfRoles).contains(where: name.hasPrefix) else { return true }
            return isOwn(name, of: role) || role == ServiceName.notifications.rawValue && ["SENDGRID_", "TWILIO_"].contains(where: name.hasPrefix)
        }
    }

    /// Nil when nothing runs in this folder. Throws when this account may not read the file.
    private static func local() throws -> [String: String]? {
        guard FileManager.default.fileExists(atPath: localFile) else { return nil }
        guard let data = FileManager.default.contents(atPath: localFile) else {
            throw AssemblyError(localFile, "cannot be read by this account", "the account that runs wharf-dev up, or a URL in WHARF_AMQP_URL and WHARF_POSTGRES_URL")
        }
        return try? JSONDecoder().decode([String: String].self, from: data)
    }

    /// The environment's settings; missing ones as `wharf-dev up` in this folder uses them.
    package static func load(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Settings {
        guard let data = try? Data(contentsOf: URL(filePath: localFile)),
            let local = try? JSONDecoder().decode([String: String].self, from: data)
        else { return try Settings(environment: environment) }
        return try Settings(environment: environment.merging(local.filter { environment["\($0.key)_FILE", default: ""].isEmpty }) { own, _ in own })
    }
}
