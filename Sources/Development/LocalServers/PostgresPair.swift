import FoundationEssentials
import Logging

/// A private PostgreSQL primary and a standby that streams from it, synchronously: what was committed is on both.
///
/// They change roles by ``failOver()``. Both answer on 127.0.0.1, each at its own port for good.
public actor PostgresPair {
    private static let followLimit = Duration.seconds(60)
    private static let pause = Duration.milliseconds(100)

    public nonisolated let servers: [PostgresServer]
    /// Names both, so that a client finds the one that accepts writes.
    public nonisolated let url: String
    /// The index of the primary in `servers`.
    private var primaryIndex = 0

    /// Prepares the servers; nothing runs yet.
    /// - Throws: ``LocalServerError``: `missing`, `folder` or `ports`.
    public init(folder path: String, durable: Bool = true, logger: Logger? = nil) throws {
        let password = try ServerFolder(path, account: Programs.accountInsteadOfRoot("postgres")).secret("password")
        let servers = try ["one", "two"].map { name in
            try PostgresServer(folder: "\(path)/\(name)", durable: durable, password: password, logger: logger)
        }
        self.servers = servers
        let hosts = servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        url = "postgres://postgres:\(password)@\(hosts)/\(PostgresServer.database)"
    }

    public var primary: PostgresServer { servers[primaryIndex] }
    public var standby: PostgresServer { servers[1 - primaryIndex] }

    /// Starts the primary, copies it, and returns when the standby follows.
    public func start() async throws {
        try await primary.start()
        try await attachStandby()
    }

    /// Promotes the standby, whatever state the primary is in: the old primary must not accept writes again before ``rebuild()``.
    public func failOver() async throws {
        try await standby.promote()
        primaryIndex = 1 - primaryIndex
    }

    /// Ends the former primary, and makes it the standby of the new one, from a fresh copy.
    public func rebuild() async throws {
        await standby.kill()
        try await attachStandby()
    }

    public func stop() async {
        for server in [standby, primary] { await server.stop() }
    }

    private func attachStandby() async throws {
        let primary = primary
        try await standby.follow(primary)
        try await standby.start()
        let isFollowed = try await poll(every: Self.pause, within: Self.followLimit) {
            try await primary.query("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1"
        }
        guard isFollowed else { throw LocalServerError(.start, "The standby does not follow its primary.") }
        try await primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        try await primary.query("SELECT pg_reload_conf()")
    }
}
