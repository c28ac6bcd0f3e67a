import Glibc
import Logging

/// A private Redis, protected by a password.
public actor RedisServer: LocalServer {
    public nonisolated let url: String
    public nonisolated let port: Int
    /// The server's process, for fault tests.
    public nonisolated let process: ManagedProcess
    private let folder: ServerFolder
    private let configuration: String
    private let password: String
    private var lock: FolderLock?

    /// Prepares the server; nothing runs yet.
    /// - Parameters:
    ///   - folder: where data, log, password and port are kept.
    ///   - durable: true appends every write to a file and syncs it each second; false keeps nothing.
    ///   - host: the address that clients connect to.
    /// - Throws: ``LocalServerError``: `missing`, `folder` or `ports`.
    public init(folder path: String, durable: Bool = true, host: String = LocalAddress.loopback, logger: Logger? = nil) throws {
        folder = try ServerFolder(path)
        let program = try Programs.find("redis-server", package: "redis-server")
        password = try folder.secret("password")
        port = try folder.ports(["redis"], logger: logger)["redis"] ?? 0
        url = "redis://:\(password)@\(host):\(port)"
        configuration = """
            bind \(LocalAddress.listening(host).joined(separator: " "))
            port \(port)
            dir "\(folder.path)"
            requirepass \(password)
            daemonize no
            save ""
            appendonly \(durable ? "yes" : "no")
            appendfsync everysec

            """
        process = ManagedProcess(
            name: "Redis",
            command: ProcessCommand(program, [folder.file("redis.conf")], inheritsEnvironment: false, workingFolder: folder.path),
            output: .file(folder.log)
        )
    }

    public func start() async throws {
        guard await !process.isRunning else { return }
        if lock == nil { lock = try FolderLock(folder) }
        // A file rather than arguments, which every user of the machine can read.
        try folder.write(configuration, to: "redis.conf")
        let client = try Programs.find("redis-cli", package: "redis-tools")
        let ping = ProcessCommand(
            client, ["-p", "\(port)", "--no-auth-warning", "PING"],
            environment: ["REDISCLI_AUTH": password], inheritsEnvironment: false)
        try await process.start()
        try await Readiness(process: process, folder: folder).wait {
            try await Tool.attempt(ping).output.hasPrefix("PONG")
        }
    }

    public func stop() async {
        await process.stop()
        lock = nil
    }

    /// SIGKILL, as a crash would; the data since the latest sync is lost.
    public func kill() async {
        await process.kill()
        lock = nil
    }
}
