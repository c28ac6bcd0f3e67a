import FoundationEssentials

/// What a `redis://` URL says.
struct RedisAddress: Sendable, Equatable {
    static let defaultPort = 6379

    var host: String
    var port: Int
    var user: String?
    var password: String?
    var database: Int

    /// For messages and logs: without the password.
    var name: String { "\(host):\(port)" }

    /// `redis://[user][:password]@host[:port][/database]`, user and password percent-encoded.
    init(_ url: String) throws(RedisError) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased() else {
            throw RedisError(code: .invalidURL, message: "The Redis URL cannot be read; it should look like redis://:password@host:6379/0")
        }
        guard scheme != "rediss" else {
            throw RedisError(
                code: .unsupported, message: "rediss:// needs TLS, which this client does not speak; use redis:// through a TLS tunnel")
        }
        guard scheme == "redis" else {
            throw RedisError(code: .invalidURL, message: "The Redis URL's scheme is \(scheme); it should be redis")
        }
        guard let host = parts.host, !host.isEmpty else {
            throw RedisError(code: .invalidURL, message: "The Redis URL names no host")
        }
        let port = parts.port ?? Self.defaultPort
        guard (1...65_535).contains(port) else {
            throw RedisError(code: .invalidURL, message: "The Redis URL's port is not one of 1 to 65535")
        }
        let path = parts.path.drop { $0 == "/" }
        guard let database = path.isEmpty ? 0 : Int(path), database >= 0 else {
            throw RedisError(code: .invalidURL, message: "The Redis URL's path should be the number of a database")
        }
        // An IPv6 address is bracketed in a URL, and nowhere else.
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        self.database = database
        user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        password = parts.password.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What a new connection says before anything else: it proves itself, chooses the database, and learns that Redis serves.
    var greeting: [[String]] {
        var commands: [[String]] = []
        if let password { commands.append(["AUTH"] + (user.map { [$0] } ?? []) + [password]) }
        if database != 0 { commands.append(["SELECT", String(database)]) }
        return commands + [["PING"]]
    }
}
