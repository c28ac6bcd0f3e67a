import FoundationEssentials
import Glibc
import Logging

/// A private PostgreSQL with the superuser `postgres` and the database `wharf`.
///
/// PostgreSQL refuses to run as root: for root it runs as the account `postgres`, which must be able to enter the folder.
public actor PostgresServer: LocalServer {
    static let database = "wharf"
    static let maximumConnections = 300
    /// A fast shutdown ends all sessions and writes a checkpoint.
    static let grace = Duration.seconds(20)

    public nonisolated let url: String
    public nonisolated let port: Int
    /// The postmaster, for fault tests.
    public nonisolated let process: ManagedProcess
    private let folder: ServerFolder
    private let durable: Bool
    private let psql: String
    private let initdb: String
    private let host: String
    private let password: String
    /// The source of the data at the first start; nil creates a new cluster.
    private var primary: PostgresServer?
    private var lock: FolderLock?

    /// Prepares the server; nothing runs yet.
    /// - Parameters:
    ///   - folder: where data, log, password, port and Unix socket are kept.
    ///   - durable: false turns every sync off: fast, and the data survives a crash of PostgreSQL but not of the machine.
    ///   - host: the address that clients connect to. Hosts on its network may connect, with the password.
    /// - Throws: ``LocalServerError``: `missing`, `folder` or `ports`.
    public init(folder path: String, durable: Bool = true, host: String = LocalAddress.loopback, logger: Logger? = nil) throws {
        try self.init(folder: path, durable: durable, host: host, password: nil, logger: logger)
    }

    /// - Parameter password: the superuser's; nil generates one.
    init(folder path: String, durable: Bool, host: String = LocalAddress.loopback, password given: String?, logger: Logger?) throws {
        folder = try ServerFolder(path, account: Programs.accountInsteadOfRoot("postgres"))
        self.durable = durable
        self.host = host
        let binaries = Programs.postgresFolders()
        let postgres = try Programs.find("postgres", in: binaries, package: "postgresql")
        initdb = try Programs.find("initdb", in: binaries, package: "postgresql")
        psql = try Programs.find("psql", in: binaries, package: "postgresql-client")
        if let given { try folder.write(given, to: "password") }
        password = try folder.secret("password")
        port = try folder.ports(["postgres"], logger: logger)["postgres"] ?? 0
        url = "postgres://postgres:\(password)@\(host):\(port)/\(Self.database)"
        process = ManagedProcess(
            name: "PostgreSQL",
            command: ProcessCommand(
                postgres, Self.arguments(folder: folder, host: host, port: port, durable: durable),
                inheritsEnvironment: false, workingFolder: folder.path, account: folder.account),
            output: .file(folder.log)
        )
    }

    private static func arguments(folder: ServerFolder, host: String, port: Int, durable: Bool) -> [String] {
        // A Unix socket's whole path must fit into 107 bytes; without it there still is TCP.
        let hasRoomForSocket = folder.path.utf8.count + "/.s.PGSQL.00000.lock".utf8.count <= 107
        var settings = [
            "listen_addresses": LocalAddress.listening(host).joined(separator: ","),
            "port": "\(port)",
            "unix_socket_directories": hasRoomForSocket ? folder.path : "",
            "max_connections": "\(maximumConnections)",
        ]
        if !durable {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] { settings[name] = "off" }
        }
        return ["-D", folder.file("data")] + settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }

    public func start() async throws {
        guard await !process.isRunning else { return }
        if lock == nil { lock = try FolderLock(folder) }
        if !folder.holds("data") {
            if let primary { try await copy(primary) } else { try await createCluster() }
        }
        try await process.start()
        let isThere = "SELECT count(*) FROM pg_database WHERE datname = '\(Self.database)'"
        let probe = client(isThere, database: "postgres")
        try await Readiness(process: process, folder: folder).wait {
            try await Tool.attempt(probe).isSuccess
        }
        if try await Tool.run(probe).hasPrefix("0") {
            try await query("CREATE DATABASE \(Self.database)")
        }
    }

    /// SIGINT, PostgreSQL's fast shutdown: sessions are ended, everything is written.
    public func stop() async {
        await process.stop(signal: SIGINT, grace: Self.grace)
        lock = nil
    }

    /// SIGKILL to the postmaster and its backends, as a crash would; the next start recovers from the log.
    public func kill() async {
        await process.kill()
        lock = nil
    }

    /// Runs SQL as the superuser through `psql` and returns its rows, columns parted by `|`.
    ///
    /// For setup and inspection; each call starts a process. The text is sent as it is: put no outside data into it.
    /// - Throws: ``LocalServerError`` with code `tool` and PostgreSQL's message.
    @discardableResult
    public func query(_ sql: String, database: String = "postgres") async throws -> String {
        try await Tool.run(client(sql, database: database)).trimmingNewlines
    }

    /// Creates a database and returns its URL.
    /// - Parameters:
    ///   - name: letters, digits and underscores.
    /// - template: the database that it is copied from, and which must have no connections; nil for an empty one.
    public func createDatabase(_ name: String, copying template: String? = nil) async throws -> String {
        try await query("CREATE DATABASE \"\(name)\"" + (template.map { " TEMPLATE \"\($0)\"" } ?? ""))
        return "postgres://postgres:\(password)@\(host):\(port)/\(name)"
    }

    // MARK: As one of a pair

    /// Copies the primary's data at its next start, and follows the primary from then on.
    func follow(_ primary: PostgresServer) throws {
        if folder.holds("data") { try FileManager.default.removeItem(atPath: folder.file("data")) }
        self.primary = primary
    }

    /// Promotes a standby; returns when it accepts writes.
    func promote() async throws {
        primary = nil
        guard try await query("SELECT pg_promote(true, 60)") == "t" else { throw LocalServerError(.tool, "The standby was not promoted.") }
    }

    /// Stops the postmaster and its backends (SIGSTOP): the kernel still accepts connections, but nothing answers.
    public func freeze() async {
        if let pid = await process.pid { ProcessTree.freeze(pid) }
    }

    private func copy(_ primary: PostgresServer) async throws {
        let program = try Programs.find("pg_basebackup", in: Programs.postgresFolders(), package: "postgresql-client")
        let unfinished = folder.file("data.new")
        if folder.holds("data.new") { try FileManager.default.removeItem(atPath: unfinished) }
        _ = try await Tool.run(
            ProcessCommand(
                program, ["-D", unfinished, "-h", "127.0.0.1", "-p", "\(primary.port)", "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync"],
                environment: ["PGPASSWORD": password], inheritsEnvironment: false, workingFolder: folder.path, account: folder.account))
        try FileManager.default.moveItem(atPath: unfinished, toPath: folder.file("data"))
    }

    private nonisolated func client(_ sql: String, database: String) -> ProcessCommand {
        ProcessCommand(
            psql, ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql],
            environment: [
                "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": "postgres", "PGPASSWORD": password,
                "PGDATABASE": database, "PGCONNECT_TIMEOUT": "10",
            ],
            inheritsEnvironment: false)
    }

    /// Created under another name and renamed: a half-made cluster is never mistaken for a complete one.
    private func createCluster() async throws {
        if folder.account != nil {
            let enters = ProcessCommand("/usr/bin/test", ["-x", folder.path], inheritsEnvironment: false, account: folder.account)
            guard try await Tool.attempt(enters).isSuccess else {
                throw LocalServerError(
                    .folder, "The account postgres cannot enter \(folder.path).",
                    advice: "Keep the state below a folder that every account may enter, or run as an ordinary user.")
            }
        }
        let unfinished = folder.file("data.new")
        if folder.holds("data.new") { try FileManager.default.removeItem(atPath: unfinished) }
        var arguments = [
            "-D", unfinished, "--username=postgres", "--pwfile=\(folder.file("password"))", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions",
        ]
        if !durable { arguments.append("--no-sync") }
        _ = try await Tool.run(
            ProcessCommand(
                initdb, arguments, inheritsEnvironment: false, workingFolder: folder.path, account: folder.account))
        if host != LocalAddress.loopback { try admitNeighbours(in: "\(unfinished)/pg_hba.conf") }
        try FileManager.default.moveItem(atPath: unfinished, toPath: folder.file("data"))
    }

    /// A new cluster accepts connections from this host only.
    private func admitNeighbours(in path: String) throws {
        let file = URL(filePath: path)
        // Written in place, so that the account still owns it.
        try (try Data(contentsOf: file) + Data("host all all samenet scram-sha-256\n".utf8)).write(to: file)
    }
}

extension String {
    var trimmingNewlines: String {
        String(prefix(upTo: lastIndex { !$0.isNewline }.map { index(after: $0) } ?? startIndex))
    }
}
