import CPostgreSQL
import IOThreads

/// How connections are made, and the time limits on them.
struct ConnectionSettings: Sendable {
    /// One of the servers that a URL names, with all that libpq needs to connect to it.
    struct Server: Sendable {
        /// For logs: its host and port as far as they are given.
        let name: String
        /// The host name to look up before libpq connects; nil for an address or a local socket.
        let hostName: String?
        let parameters: [(keyword: String, value: String)]
    }

    /// Unanswered keep-alives and unacknowledged data end a connection after about this time, unless the URL says otherwise.
    static let networkTimeout: Duration = .seconds(15)
    /// How long a cancelled statement may take to end before its connection is dropped.
    static let cancelTimeout: Duration = .seconds(5)
    /// How long a server that is one of several may take to answer a statement before it is asked whether it still accepts connections. Most answers come
    /// within milliseconds; one that takes longer costs no more than a connection now and then.
    static let doubtTimeout: Duration = .seconds(3)
    /// Where Debian keeps the certificates of the authorities that it trusts.
    static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// In the order in which they are tried; never empty.
    private(set) var servers: [Server]
    let session: Session
    /// A session that cannot write is of no use.
    let needsWritable: Bool
    /// For each server.
    let connectTimeout: Duration
    let responseTimeout: Duration
    let statementCacheSize: Int
    var lookup = HostLookup.ofProcess
    /// Nil where there is no other server to use.
    var doubtTimeout: Duration? { Set(servers.map(\.name)).count > 1 ? Self.doubtTimeout : nil }

    init(
        url: String, access: Access, allowsPlainText: (String) -> Bool, applicationName: String, session: Session, connectTimeout: Duration,
        responseTimeout: Duration, statementCacheSize: Int
    ) throws(PostgresError) {
        var options = try PostgresURL(url).options
        options["options"] = session.options(around: options["options"])
        // Text is UTF-8 in Swift, so on the wire.
        options["client_encoding"] = "UTF8"
        let network = Self.networkTimeout.milliseconds
        let defaults = [
            "application_name": applicationName, "target_session_attrs": access == .readWrite ? "read-write" : "any",
            "tcp_user_timeout": "\(network)", "keepalives_idle": "\(network / 3000)", "keepalives_interval": "\(network / 3000)", "keepalives_count": "2",
        ]
        options.merge(defaults) { given, _ in given }
        // libpq counts a role that is read-only by itself, such as the auditor's, as a server that accepts no writes.
        if access == .read, options["target_session_attrs"] == "read-write" { options["target_session_attrs"] = "primary" }
        needsWritable = options["target_session_attrs"] == "read-write"
        servers = try Self.servers(options, allowsPlainText)
        self.session = session
        self.connectTimeout = connectTimeout
        self.responseTimeout = responseTimeout
        self.statementCacheSize = statementCacheSize
    }

    /// The same servers, with the user and the password of another URL. A URL that cannot be read changes nothing.
    func withCredentials(of url: String) -> ConnectionSettings {
        guard let options = try? PostgresURL(url).options else { return self }
        let keywords = ["user", "password"]
        var renewed = self
        renewed.servers = servers.map { server in
            let others = server.parameters.filter { !keywords.contains($0.keyword) }
            return Server(name: server.name, hostName: server.hostName, parameters: others + keywords.compactMap { keyword in options[keyword].map { (keyword, $0) } })
        }
        return renewed
    }

    // MARK: Servers

    /// libpq would try several hosts by itself, but in one go, and its own timeout does not apply to non-blocking connections.
    private static func servers(_ options: [String: String], _ allowsPlainText: (String) -> Bool) throws(PostgresError) -> [Server] {
        let hosts = list(options["host"])
        let addresses = list(options["hostaddr"])
        let ports = list(options["port"])
        let count = max(hosts.count, addresses.count, 1)
        guard [0, count].contains(hosts.count), [0, count].contains(addresses.count), [0, 1, count].contains(ports.count) else {
            throw PostgresError(.configuration, "the PostgreSQL URL names \(count) hosts, but not as many addresses, or ports")
        }
        func server(_ index: Int) -> Server {
            var own = options
            own["host"] = index < hosts.count ? hosts[index] : nil
            own["hostaddr"] = index < addresses.count ? addresses[index] : nil
            own["port"] = index < ports.count ? ports[index] : ports.last ?? nil
            secure(&own, allowsPlainText)
            let name = (own["host"] ?? own["hostaddr"] ?? "the default host") + (own["port"].map { ":" + $0 } ?? "")
            return Server(name: name, hostName: hostName(own), parameters: own.map { ($0.key, $0.value) }.sorted { $0.keyword < $1.keyword })
        }
        // A standby is preferred when all servers have been asked for one; only then any will do.
        guard options["target_session_attrs"] == "prefer-standby", count > 1 else { return (0..<count).map(server) }
        return ["standby", "any"].flatMap { attributes in
            (0..<count).map(server).map { server in
                Server(
                    name: server.name, hostName: server.hostName,
                    parameters: server.parameters.map { $0.keyword == "target_session_attrs" ? ($0.keyword, attributes) : $0 })
            }
        }
    }

    /// An attacker between two machines could read credentials and customers' data, so the connection is encrypted and the server's identity checked, unless
    /// a setting explicitly waives this: the URL's own `sslmode`, or the list of hosts.
    private static func secure(_ options: inout [String: String], _ allowsPlainText: (String) -> Bool) {
        guard options["sslmode"] == nil else { return }
        // Where libpq connects to: an address goes before a name, and the environment before a socket.
        let target = options["hostaddr"] ?? options["host"] ?? standard("hostaddr") ?? standard("host")
        guard let target, !isThisMachine(target), !allowsPlainText(target) else { return }
        options["sslmode"] = "verify-full"
        if options["sslrootcert"] == nil { options["sslrootcert"] = standard("sslrootcert") ?? systemAuthorities }
    }

    private static func hostName(_ options: [String: String]) -> String? {
        guard options["hostaddr"] ?? standard("hostaddr") == nil, let host = options["host"] ?? standard("host") else { return nil }
        return host.hasPrefix("/") || host.hasPrefix("@") || HostLookup.isNumeric(host) ? nil : host
    }

    private static func isThisMachine(_ host: String) -> Bool {
        host.hasPrefix("/") || host.hasPrefix("@") || ["localhost", "127.0.0.1", "::1"].contains(host)
    }

    /// An entry left empty stands for libpq's default.
    private static func list(_ text: String?) -> [String?] {
        guard let text else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { $0.isEmpty ? nil : String($0) }
    }

    // MARK: libpq's defaults

    /// What libpq uses where the URL has nothing: the environment's PGHOST and the like.
    private static func standard(_ keyword: String) -> String? {
        guard let value = PQconndefaults().map(take)?[keyword], !value.isEmpty else { return nil }
        return value
    }

    private static func take(_ parsed: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        defer { PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return options
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
