/// Where the broker is and how long to wait for it.
public struct AMQPConfiguration: Equatable, Sendable {
    /// How the broker's certificate is checked. TLS 1.2 is the least that is accepted.
    public struct TLS: Equatable, Sendable {
        /// PEM file of the certificate authorities that are trusted.
        public var caFile: String
        /// Whether the certificate's chain and host name are checked.
        public var verify: Bool
        /// Where Debian, and the images built on it, keep the certificate authorities.
        public static let systemCAFile = "/etc/ssl/certs/ca-certificates.crt"
    }

    /// One node of the broker, as a name or an address.
    public struct Node: Hashable, Sendable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// How many nodes a URL may name: more than the broker's quorums are made for.
    public static let maximumNodes = 16

    /// Never empty. All nodes are equivalent: every connection tries them in a random order, so that processes spread over them.
    public var nodes: [Node]
    public var user: String
    public var password: String
    public var virtualHost: String
    /// `nil` for a connection in clear text.
    public var tls: TLS?
    /// Shown by the broker next to the connection.
    public var connectionName: String
    /// The connection's purpose, for metrics: the name without its first word, which is the process.
    var purpose: String { connectionName.split(separator: " ", maxSplits: 1).dropFirst().first.map(String.init) ?? connectionName }

    /// A peer that is silent for twice this long is taken for dead: within 10 s by default, 5 s where there are several nodes. Whole seconds, held to 1 to 600 s.
    public var heartbeat: Duration = Self.standardHeartbeat
    /// For each address of each node: bounds the TCP connection and, separately, the handshake. Clamped to 0.1 to 60 s.
    public var connectTimeout: Duration = Self.standardConnectTimeout
    var boundedConnectTimeout: Duration { connectTimeout.held(to: .milliseconds(100), .seconds(60)) }
    /// Bounds the lookup of each node's name. Waiting longer would only delay shutdown: the lookup continues for the next attempt.
    var lookupTimeout: Duration { min(boundedConnectTimeout, Self.standardConnectTimeout) }
    /// Bounds each answer to a declaration: with a node lost the cluster may take some seconds to agree on one. Clamped to 0.1 to 60 s.
    public var rpcTimeout: Duration = .seconds(5)
    /// Bounds how long the kernel waits for sent bytes to be taken by the broker's host: with its heartbeats something is always sent. Held to 0.1 to 60 s.
    public var tcpUserTimeout: Duration = .seconds(4)
    /// Bounds the good-bye of an orderly close. Held to 0.1 to 60 s.
    public var closeTimeout: Duration = .seconds(2)

    /// Silence is noticed after 6 to 7 s. With a much shorter limit a broker on a busy machine would count as dead.
    public static let standardHeartbeat: Duration = .seconds(3)
    /// For URLs that name another node to use instead: silence is noticed after 2 to 3 s.
    public static let clusterHeartbeat: Duration = .seconds(1)
    /// Several times what a busy broker takes, and short enough to try a second node within what a client waits.
    public static let standardConnectTimeout: Duration = .seconds(3)

    /// Reads `amqp://user:password@host:port,host:port/vhost` or `amqps://…?cacertfile=/path&verify=verify_none`.
    ///
    /// User, password and virtual host are percent-decoded. Defaults: guest, guest, port 5672 (5671 for `amqps`),
    /// virtual host `/` (also for a bare trailing slash), the system's certificate authorities, `verify_peer`.
    /// As in RabbitMQ's own URLs, `heartbeat` (seconds) and `connection_timeout` (milliseconds) are read from the query.
    /// - Throws: ``AMQPError`` with the code `configuration`. Its message does not contain the password.
    public init(url: String, connectionName: String) throws(AMQPError) {
        let parsed = try AMQPURL(url)
        self.nodes = parsed.nodes
        self.user = parsed.user
        self.password = parsed.password
        self.virtualHost = parsed.virtualHost
        self.tls = parsed.tls
        self.connectionName = connectionName
        if let heartbeat = parsed.heartbeat {
            self.heartbeat = heartbeat
        } else if nodes.count > 1 {
            heartbeat = Self.clusterHeartbeat
        }
        if let connectTimeout = parsed.connectTimeout { self.connectTimeout = connectTimeout }
    }
}

extension AMQPConfiguration: CustomStringConvertible, CustomReflectable {
    /// The address without the password.
    public var description: String {
        let authority = nodes.map { "\($0)" }.joined(separator: ",")
        return "\(tls == nil ? "amqp" : "amqps")://\(user)@\(authority)\(virtualHost == "/" ? "" : "/\(virtualHost)")"
    }

    /// Hides the password from `dump` and from interpolation of any value that contains this one.
    public var customMirror: Mirror {
        Mirror(self, children: ["url": description, "connectionName": connectionName])
    }
}

extension AMQPConfiguration.Node: CustomStringConvertible {
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
