// Users and their permissions.

extension Definitions {
    public struct VirtualHost: Sendable, Hashable, Codable {
        public var name: String

        public init(name: String) { self.name = name }
    }

    public struct User: Sendable, Hashable {
        public var name: String
        /// Base64 of salt and hash; empty for a user who cannot log in with a password.
        public var passwordHash: String
        public var hashingAlgorithm: String
        public var tags: [String]

        public init(
            name: String, passwordHash: String = "", hashingAlgorithm: String = BrokerPassword.algorithm, tags: [String] = []
        ) {
            self.name = name
            self.passwordHash = passwordHash
            self.hashingAlgorithm = hashingAlgorithm
            self.tags = tags
        }
    }

    /// Regular expressions over the names of queues and exchanges.
    public struct Permission: Sendable, Hashable, Codable {
        public var user: String
        public var virtualHost: String
        public var configure: String
        public var write: String
        public var read: String

        public init(user: String, virtualHost: String, configure: String, write: String, read: String) {
            self.user = user
            self.virtualHost = virtualHost
            self.configure = configure
            self.write = write
            self.read = read
        }

        enum CodingKeys: String, CodingKey {
            case user, configure, write, read
            case virtualHost = "vhost"
        }
    }

    /// Regular expressions over routing keys: `write` for publishing to a topic exchange, `read` for binding to it. Where a user has none for
    /// an exchange, every routing key is allowed.
    public struct TopicPermission: Sendable, Hashable, Codable {
        public var user: String
        public var virtualHost: String
        public var exchange: String
        public var write: String
        public var read: String

        public init(user: String, virtualHost: String, exchange: String, write: String, read: String) {
            self.user = user
            self.virtualHost = virtualHost
            self.exchange = exchange
            self.write = write
            self.read = read
        }

        enum CodingKeys: String, CodingKey {
            case user, exchange, write, read
            case virtualHost = "vhost"
        }
    }
}

extension Definitions.User: Codable {
    enum CodingKeys: String, CodingKey {
        case name, tags
        case passwordHash = "password_hash"
        case hashingAlgorithm = "hashing_algorithm"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        passwordHash = try container.value(.passwordHash, or: "")
        hashingAlgorithm = try container.value(.hashingAlgorithm, or: BrokerPassword.algorithm)
        // A list since 3.9; earlier, and in hand-written files, one string with commas.
        if let text = try? container.decode(String.self, forKey: .tags) {
            tags = text.split(separator: ",").map(String.init)
        } else {
            tags = try container.list(.tags)
        }
    }
}
