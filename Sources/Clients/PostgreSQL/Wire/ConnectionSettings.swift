import CPostgreSQL

/// How connections are made, and how long things may take on them.
struct ConnectionSettings: Sendable {
    /// Unanswered keep-alives and unacknowledged data end a connection after about this time, unless the URL says otherwise.
    static let networkTimeout: Duration = .seconds(15)
    /// How long a cancelled statement may take to end before its connection is dropped.
    static let cancelTimeout: Duration = .seconds(5)

    let parameters: [(keyword: String, value: String)]
    let connectTimeout: Duration
    let responseTimeout: Duration
    let statementCacheSize: Int

    init(
        url: String, applicationName: String, schema: String?, keepsToIndexes: Bool, statementTimeout: Duration?, connectTimeout: Duration,
        responseTimeout: Duration, statementCacheSize: Int
    ) throws(PostgresError) {
        var options = try Self.parse(url)
        var startup = options["options"].map { [$0] } ?? []
        if let schema { startup.append("-c search_path=" + Self.escaped(quotedIdentifier(schema) + ",public")) }
        if let statementTimeout { startup.append("-c statement_timeout=\(statementTimeout.milliseconds)") }
        if keepsToIndexes { startup += ["-c enable_seqscan=off", "-c jit=off", "-c plan_cache_mode=force_generic_plan"] }
        options["options"] = startup.isEmpty ? nil : startup.joined(separator: " ")
        // Text is UTF-8 in Swift, so on the wire.
        options["client_encoding"] = "UTF8"
        let network = Self.networkTimeout.milliseconds
        let defaults = [
            "application_name": applicationName,
            "tcp_user_timeout": "\(network)", "keepalives_idle": "\(network / 3000)", "keepalives_interval": "\(network / 3000)", "keepalives_count": "2",
        ]
        options.merge(defaults) { given, _ in given }
        parameters = options.map { ($0.key, $0.value) }.sorted { $0.keyword < $1.keyword }
        self.connectTimeout = connectTimeout
        self.responseTimeout = responseTimeout
        self.statementCacheSize = statementCacheSize
    }

    /// What libpq reads from the URL. Its own message is not passed on, since it may quote the password.
    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        var reason: UnsafeMutablePointer<CChar>?
        let parsed = PQconninfoParse(url, &reason)
        PQfreemem(reason)
        guard let parsed else {
            throw PostgresError(
                .configuration,
                "not a PostgreSQL URL; expected postgres://user:password@host:port/database?sslmode=…, with special characters percent-encoded")
        }
        defer { PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return options
    }

    /// As the server splits its command line.
    private static func escaped(_ option: String) -> String {
        option.reduce(into: "") { escaped, character in
            if character == " " || character == "\\" { escaped.append("\\") }
            escaped.append(character)
        }
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
