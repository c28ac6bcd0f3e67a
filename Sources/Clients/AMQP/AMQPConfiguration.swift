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

    public var host: String
    public var port: Int
    public var user: String
    public var password: String
    public var virtualHost: String
    /// `nil` for a connection in clear text.
    public var tls: TLS?
    /// Shown by the broker next to the connection.
    public var connectionName: String

    /// A peer that is silent for twice this long is taken for dead. Whole seconds, held to 1 to 600 s.
    public var heartbeat: Duration = .seconds(15)
    /// Bounds the TCP connection and, again, the handshake; not the name lookup before it, which the resolver bounds. Held to 0.1 to 60 s.
    public var connectTimeout: Duration = .seconds(5)
    /// Bounds each answer to a declaration. Held to 0.1 to 60 s.
    public var rpcTimeout: Duration = .seconds(10)
    /// Bounds how long the kernel waits for sent bytes to be taken by the broker's host. Held to 0.1 to 60 s.
    public var tcpUserTimeout: Duration = .seconds(5)
    /// Bounds the good-bye of an orderly close. Held to 0.1 to 60 s.
    public var closeTimeout: Duration = .seconds(2)

    /// Reads `amqp://user:password@host:port/vhost` or `amqps://…?cacertfile=/path&verify=verify_none`.
    ///
    /// User, password and virtual host are percent-decoded. Defaults: guest, guest, port 5672 (5671 for `amqps`),
    /// virtual host `/` (also for a bare trailing slash), the system's certificate authorities, `verify_peer`.
    /// - Throws: ``AMQPError`` with the code `configuration`. Its message does not contain the password.
    public init(url: String, connectionName: String) throws(AMQPError) {
        let parsed = try AMQPURL(url)
        self.host = parsed.host
        self.port = parsed.port
        self.user = parsed.user
        self.password = parsed.password
        self.virtualHost = parsed.virtualHost
        self.tls = parsed.tls
        self.connectionName = connectionName
    }
}

extension AMQPConfiguration: CustomStringConvertible, CustomReflectable {
    /// Where it leads, without the password.
    public var description: String {
        "\(tls == nil ? "amqp" : "amqps")://\(user)@\(host):\(port)\(virtualHost == "/" ? "" : "/\(virtualHost)")"
    }

    /// Hides the password from `dump` and from interpolation of whatever contains this.
    public var customMirror: Mirror {
        Mirror(self, children: ["url": description, "connectionName": connectionName])
    }
}
