import CPostgreSQL

/// The parts of a URL as libpq reads it, with the checks that libpq would make only when it connects.
public struct PostgresURL: Sendable {
    /// For people: what ``init(_:)`` reads.
    public static let accepted = "postgres://user:password@host:port/database?sslmode=…, several hosts separated by commas, special characters percent-encoded"
    private static let choices: [String: Set<String>] = [
        "sslmode": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        "target_session_attrs": ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
        "channel_binding": ["disable", "prefer", "require"], "gssencmode": ["disable", "prefer", "require"],
    ]
    private static let numbers: Set<String> = [
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    ]
    private static let ports = 1...65_535

    /// By libpq's keyword, only those that the URL gives.
    let options: [String: String]
    /// In the order in which they are tried; a path is a socket's folder, and an empty one is libpq's default. Never empty.
    public let hosts: [String]

    /// - Throws: ``PostgresError`` with the code `configuration`. Its message quotes nothing of the URL.
    public init(_ url: String) throws(PostgresError) {
        guard ["postgres://", "postgresql://"].contains(where: url.hasPrefix) else { throw Self.wrong("it begins with neither postgres:// nor postgresql://") }
        let options = try Self.parse(url)
        // An address takes the name's place for connecting, and the name remains what a certificate is checked against.
        let hosts = Self.list(options["host"] ?? options["hostaddr"] ?? "")
        let ports = options["port"].map(Self.list) ?? []
        guard ports.isEmpty || ports.count == 1 || ports.count == hosts.count else { throw Self.wrong("it has not one port for each host") }
        for port in ports where !port.isEmpty {
            guard let number = Self.number(port), Self.ports.contains(number) else { throw Self.wrong("a port is not one of 1 to 65535") }
        }
        for (keyword, values) in Self.choices {
            guard let given = options[keyword] else { continue }
            guard values.contains(given) else { throw Self.wrong("\(keyword) is one of \(values.sorted().joined(separator: ", "))") }
        }
        for keyword in Self.numbers {
            guard let given = options[keyword] else { continue }
            guard Self.number(given) != nil else { throw Self.wrong("\(keyword) is a number") }
        }
        self.options = options
        self.hosts = hosts
    }

    /// libpq's own message is not passed on, since it may quote the password.
    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        var reason: UnsafeMutablePointer<CChar>?
        let parsed = PQconninfoParse(url, &reason)
        PQfreemem(reason)
        guard let parsed else { throw wrong("it cannot be read, or has an unknown parameter") }
        defer { PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let raw = option.pointee.val {
                guard let value = String(validatingCString: raw), !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                    throw wrong("it holds what is not UTF-8 text without control characters")
                }
                options[String(cString: keyword)] = value
            }
            option += 1
        }
        return options
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func wrong(_ reason: String) -> PostgresError {
        PostgresError(.configuration, "The PostgreSQL URL cannot be used: \(reason); expected \(accepted)")
    }
}
