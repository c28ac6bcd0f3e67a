import Terminal

/// Where the three servers are, with the credentials of an administrator.
package struct ServerURLs: Sendable, Equatable {
    package static let amqpVariable = "WHARF_AMQP_URL"
    package static let postgresVariable = "WHARF_POSTGRES_URL"
    package static let redisVariable = "WHARF_REDIS_URL"
    package static let managementVariable = "WHARF_RABBITMQ_MANAGEMENT_URL"

    package let amqp: String
    package let postgres: String
    package let redis: String
    /// RabbitMQ's management API, with credentials.
    package let management: String

    /// - Parameter management: without credentials, those of the administrator in `amqp` are used.
    package init(amqp: String, postgres: String, redis: String, management: String) {
        self.amqp = amqp
        self.postgres = postgres
        self.redis = redis
        if Self.userInfo(of: management) == nil, let userInfo = Self.userInfo(of: amqp) {
            self.management = Self.url(management, userInfo: userInfo)
        } else {
            self.management = management
        }
    }

    /// The servers that the environment names.
    /// - Throws: ``UpError`` with code `settings`, naming everything that is missing at once.
    package init(environment: [String: String]) throws(UpError) {
        let names = [Self.amqpVariable, Self.postgresVariable, Self.redisVariable, Self.managementVariable]
        let missing = names.filter { environment[$0, default: ""].isEmpty }
        guard missing.isEmpty else {
            throw UpError(
                .settings, "wharf-dev up --external needs \(missing.joined(separator: ", ")).",
                advice: """
                    \(Self.amqpVariable)=amqp://administrator:password@host:5672/
                    \(Self.postgresVariable)=postgres://administrator:password@host:5432/wharf
                    \(Self.redisVariable)=redis://:password@host:6379
                    \(Self.managementVariable)=http://host:15672
                    """)
        }
        self.init(
            amqp: environment[Self.amqpVariable, default: ""], postgres: environment[Self.postgresVariable, default: ""],
            redis: environment[Self.redisVariable, default: ""], management: environment[Self.managementVariable, default: ""])
    }

    /// The variables that ``init(environment:)`` reads.
    package var settings: [String: String] {
        [Self.amqpVariable: amqp, Self.postgresVariable: postgres, Self.redisVariable: redis, Self.managementVariable: management]
    }

    /// The same URL for another user. User and password must be usable in a URL as they are.
    package static func url(_ url: String, user: String, password: String) -> String {
        Self.url(url, userInfo: "\(user):\(password)")
    }

    /// The same URL with the user of another one; unchanged when that has none.
    package static func url(_ url: String, asUserOf other: String) -> String {
        userInfo(of: other).map { Self.url(url, userInfo: $0) } ?? url
    }

    /// The URL without user and password, fit to be shown.
    package static func withoutCredentials(_ url: String) -> String {
        Self.url(url, userInfo: String?.none)
    }

    private static func url(_ url: String, userInfo: (some StringProtocol)?) -> String {
        guard let (scheme, authority, rest) = parts(of: url) else { return url }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return "\(scheme)\(userInfo.map { "\($0)@" } ?? "")\(host)\(rest)"
    }

    private static func userInfo(of url: String) -> Substring? {
        guard let (_, authority, _) = parts(of: url), let at = authority.lastIndex(of: "@") else { return nil }
        return authority[..<at]
    }

    private static func parts(of url: String) -> (scheme: Substring, authority: Substring, rest: Substring)? {
        guard let mark = url.firstRange(of: "://") else { return nil }
        let tail = url[mark.upperBound...]
        let end = tail.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? tail.endIndex
        return (url[..<mark.upperBound], tail[..<end], tail[end...])
    }
}
