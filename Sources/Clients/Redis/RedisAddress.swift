import FoundationEssentials

/// The parts of a `redis://` or `rediss://` URL.
public struct RedisAddress: Sendable, Equatable {
    /// How the server's certificate is checked: its chain and its name, always. TLS 1.2 is the least that is accepted.
    public struct TLS: Sendable, Equatable {
        /// PEM file of the certificate authorities that are trusted; nil for the system's.
        public var caFile: String?
    }

    /// For people: what ``init(_:)`` reads.
    public static let accepted = "redis://user:password@host:port/database, or rediss:// with cacertfile=/path"
    static let defaultPort = 6379
    private static let ports = 1...65_535

    public var host: String
    var port: Int
    var user: String?
    var password: String?
    var database: Int
    /// nil for a connection in clear text.
    public var tls: TLS?

    /// For messages and logs: without the password.
    var name: String { "\(host):\(port)" }

    /// `redis://[user][:password]@host[:port][/database]`, user and password percent-encoded; `rediss://` for TLS, with `?cacertfile=/path` to trust
    /// other authorities than the system's.
    /// - Throws: ``RedisError`` with the code `invalidURL`, whose message quotes nothing that may be secret.
    public init(_ url: String) throws(RedisError) {
        guard let parts = URLComponents(string: url, encodingInvalidCharacters: false), let scheme = parts.scheme?.lowercased() else {
            throw Self.wrong("it cannot be read")
        }
        guard ["redis", "rediss"].contains(scheme) else { throw Self.wrong("its scheme is \(scheme)") }
        guard let host = parts.host, !host.isEmpty else { throw Self.wrong("it names no host") }
        let port = parts.port ?? (Self.namesPort(url) ? 0 : Self.defaultPort)
        guard Self.ports.contains(port) else { throw Self.wrong("its port is not one of 1 to 65535") }
        guard parts.fragment == nil else { throw Self.wrong("it has a fragment; # is written %23") }
        let path = parts.path.dropFirst()
        guard path.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let database = path.isEmpty ? 0 : Int(path) else {
            throw Self.wrong("its path is not the number of a database")
        }
        // An IPv6 address is bracketed in a URL, and nowhere else.
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        self.database = database
        user = try Self.decoded(parts.percentEncodedUser, parts.user, "user")
        password = try Self.decoded(parts.percentEncodedPassword, parts.password, "password")
        tls = scheme == "rediss" ? TLS() : nil
        for item in parts.queryItems ?? [] {
            guard tls != nil, item.name == "cacertfile", let file = item.value, !file.isEmpty else {
                throw Self.wrong("it takes no parameter but rediss://'s cacertfile=/path")
            }
            tls?.caFile = file
        }
    }

    /// Also one that is too large for Foundation to parse.
    private static func namesPort(_ url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://") else { return false }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return host.drop { $0 != "]" }.contains(":") || (!host.hasPrefix("[") && host.contains(":"))
    }

    /// nil for an empty one.
    private static func decoded(_ encoded: String?, _ text: String?, _ part: String) throws(RedisError) -> String? {
        guard let encoded, !encoded.isEmpty else { return nil }
        guard let text, !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw wrong("its \(part) is not percent-encoded UTF-8 text without control characters")
        }
        return text
    }

    private static func wrong(_ reason: String) -> RedisError {
        RedisError(code: .invalidURL, message: "The Redis URL cannot be used: \(reason)")
    }

    /// The first commands on a new connection: they authenticate, select the database, and check that Redis serves.
    var greeting: [[String]] {
        var commands: [[String]] = []
        if let password { commands.append(["AUTH"] + (user.map { [$0] } ?? []) + [password]) }
        if database != 0 { commands.append(["SELECT", String(database)]) }
        return commands + [["PING"]]
    }
}
