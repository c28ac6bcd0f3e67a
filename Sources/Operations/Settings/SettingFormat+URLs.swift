import AMQP
import PostgreSQL
import Redis
import WebClient

// Each URL is parsed by the client that will use it, so that a URL accepted here works there. A connection without TLS is rejected
// unless plain text to that host is allowed.

extension SettingFormat where Value == String {
    static func broker(_ plainText: PlainTextHosts) -> SettingFormat {
        SettingFormat(accepted: "amqp://user:password@host:port/virtualhost, several nodes separated by commas; amqps:// takes cacertfile=/path") { text throws(Misfit) in
            let configuration: AMQPConfiguration
            do throws(AMQPError) {
                configuration = try AMQPConfiguration(url: text, connectionName: "")
            } catch {
                throw Misfit(reason: error.message)
            }
            for node in configuration.nodes {
                try check(host: node.host)
                // Without certificate verification TLS does not protect against an attacker in between.
                try plainText.check(node.host, isEncrypted: configuration.tls?.verify ?? false, "amqps:// with a verified certificate")
            }
            return text
        }
    }

    /// The client checks for TLS itself, parameter by parameter.
    static let database = SettingFormat(accepted: PostgresURL.accepted) { text throws(Misfit) in
        let hosts: [String]
        do throws(PostgresError) {
            hosts = try PostgresURL(text).hosts
        } catch {
            throw Misfit(reason: error.message)
        }
        guard !hosts.contains("") else { throw Misfit(reason: "it names no host, or one of several is empty") }
        for host in hosts where !host.hasPrefix("/") { try check(host: host) }
        return text
    }

    static func cache(_ plainText: PlainTextHosts) -> SettingFormat {
        SettingFormat(accepted: RedisAddress.accepted) { text throws(Misfit) in
            let address: RedisAddress
            do throws(RedisError) {
                address = try RedisAddress(text)
            } catch {
                throw Misfit(reason: error.message)
            }
            try check(host: address.host)
            try plainText.check(address.host, isEncrypted: address.tls != nil, "rediss://")
            return text
        }
    }

    /// A base to which paths are appended, for calls that carry a secret.
    static func api(_ plainText: PlainTextHosts) -> SettingFormat {
        SettingFormat(accepted: "https://host:port, \(plainTextRule)") { text throws(Misfit) in
            let destination = try destination(text)
            try plainText.check(destination.host, isEncrypted: destination.isEncrypted, "https://")
            return text
        }
    }

    /// The same with the caller's user and password, on any one of several nodes.
    static func nodesAPI(_ plainText: PlainTextHosts) -> SettingFormat {
        SettingFormat(accepted: "https://user:password@host:port, several hosts separated by commas, \(plainTextRule)") { text throws(Misfit) in
            let urls = NodeURLs.split(text)
            guard urls.count <= NodeURLs.maximumNodes else { throw Misfit(reason: "it names more than \(NodeURLs.maximumNodes) hosts") }
            for url in urls {
                let destination = try destination(url, takesCredentials: true)
                try plainText.check(destination.host, isEncrypted: destination.isEncrypted, "https://")
            }
            return text
        }
    }

    private static let plainTextRule = "or http:// to this machine and the hosts of WHARF_INSECURE_HOSTS"

    /// A base to which paths are appended, for calls that carry no secret.
    static let endpoint = SettingFormat(accepted: "http://host:port or https://host:port") { text throws(Misfit) in
        _ = try destination(text)
        return text
    }

    /// A mail URL, or `file:` and the path of a Maildir. The client asks mail servers for TLS itself.
    static let mailURL = SettingFormat(accepted: MailURL.accepted) { text throws(Misfit) in
        do throws(WebClientError) {
            _ = try MailURL(text)
        } catch {
            throw Misfit(reason: error.message)
        }
        return text
    }

    /// In the form of Consul's own tools: `host:port`, or a URL.
    static let consul = SettingFormat(accepted: "host:port, http://host:port or https://host:port") { text throws(Misfit) in
        if text.contains("://") {
            _ = try destination(text)
        } else if ListenAddress(text).map({ $0.port > 0 }) != true {
            throw Misfit()
        }
        return text
    }

    private static func destination(_ text: String, takesCredentials: Bool = false) throws(Misfit) -> Destination {
        do throws(WebClientError) {
            return try Destination(setting: text, schemes: ["http", "https"], takesCredentials: takesCredentials)
        } catch {
            throw Misfit(reason: error.message)
        }
    }

    private static func check(host: String) throws(Misfit) {
        guard Host.isValid(host) else { throw Misfit(reason: "its host is neither a name nor an address") }
    }
}

/// The hosts that may be contacted without TLS: this machine, including sockets, and those that WHARF_INSECURE_HOSTS names.
struct PlainTextHosts: Sendable {
    let named: Set<String>

    func allows(_ host: String) -> Bool {
        host.hasPrefix("/") || Host.isLoopback(host) || named.contains(Host.normalized(host))
    }

    /// - Parameter remedy: what to use instead.
    func check(_ host: String, isEncrypted: Bool, _ remedy: String) throws(Misfit) {
        guard !isEncrypted, !allows(host) else { return }
        throw Misfit(reason: "it goes to another machine without TLS; use \(remedy), or name its host in WHARF_INSECURE_HOSTS")
    }
}

extension SettingFormat where Value == Set<String> {
    /// Names or addresses of hosts, without ports.
    static let hosts = SettingFormat(accepted: "names or addresses of hosts without ports, separated by commas") { text in
        let hosts = text.split(separator: ",", omittingEmptySubsequences: false).map { Host.normalized($0) }
        return hosts.allSatisfy(Host.isValid) ? Set(hosts) : nil
    }
}
