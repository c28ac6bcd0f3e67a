import FoundationEssentials
import Glibc
import Logging
import WebClient

/// A private RabbitMQ node with the management plugin and the user `admin`, and with an epmd (Erlang's port mapper) of
/// its own, so that it never meets another node of this machine.
public actor RabbitMQServer: LocalServer {
    static let user = "admin"
    /// A node with the management plugin takes 6 seconds to stop: its data is closed at once, a helper makes it wait for 5.
    static let grace = Duration.seconds(20)
    /// A node that has had no processor time for some ten seconds reports this of itself, though it runs: `rabbitmqctl` asks up to three times.
    static let denial = "requires the 'rabbit' app to be running"
    static let attempts = 3

    public nonisolated let url: String
    /// The management plugin's base, without credentials: `http://<host>:<port>`.
    public nonisolated let managementURL: String
    public nonisolated let port: Int
    /// The management HTTP API as `admin`.
    public nonisolated let management: ManagementAPI
    /// The Erlang VM, for fault tests.
    public nonisolated let process: ManagedProcess
    /// Prometheus' text format; nil when it was not asked for.
    public nonisolated let metricsURL: String?
    /// Nil in a cluster, whose nodes share one.
    private let epmd: ManagedProcess?
    private let node: RabbitMQNode
    private let definitions: String?
    private var lock: FolderLock?

    /// Prepares the node; nothing runs yet.
    /// - Parameters:
    ///   - folder: where data, log, passwords, cookie and ports are kept.
    ///   - definitions: a file in RabbitMQ's definitions format, imported at every start.
    ///   - prometheus: whether to serve metrics too.
    ///   - host: the address that clients and users of the management API connect to.
    /// - Throws: ``LocalServerError``: `missing`, `folder` or `ports`.
    public init(folder path: String, definitions: String? = nil, prometheus: Bool = false, host: String = LocalAddress.loopback, logger: Logger? = nil) throws {
        let node = try RabbitMQNode(folder: ServerFolder(path), host: host, prometheus: prometheus, logger: logger)
        try self.init(node, definitions: definitions, logger: logger)
    }

    init(_ node: RabbitMQNode, definitions: String? = nil, logger: Logger?) throws {
        self.node = node
        self.definitions = definitions.map(FileManager.default.absolutePath)
        port = node.port
        let password = try node.folder.secret("password")
        url = "amqp://\(Self.user):\(password)@\(node.host):\(port)/"
        managementURL = "http://\(node.host):\(node.managementPort)"
        metricsURL = node.prometheusPort.map { "http://127.0.0.1:\($0)/metrics" }
        let silent = Logger(label: "rabbitmq") { _ in SwiftLogNoOpLogHandler() }
        management = ManagementAPI(
            base: managementURL, user: Self.user, password: password, transport: WebClient(logger: logger ?? silent))
        process = ManagedProcess(name: "RabbitMQ", command: try node.server(), output: .file(node.folder.log))
        epmd = node.membership == nil ? try node.portMapper.process() : nil
    }

    public func start() async throws {
        guard await !process.isRunning else { return }
        if lock == nil { lock = try FolderLock(node.folder) }
        try node.writeFiles(user: Self.user)
        do {
            if let epmd { try await node.portMapper.start(epmd) }
            try await process.start()
            try await waitUntilReady()
            if let definitions { try await importDefinitions(definitions) }
        } catch {
            await kill()
            throw error
        }
    }

    /// SIGTERM; the node closes its connections and syncs its data.
    public func stop() async {
        await process.stop(grace: Self.grace)
        // Last: a node without its port mapper tries to start another one.
        await epmd?.stop()
        lock = nil
    }

    /// SIGKILL to the Erlang VM and its port mapper, as a crash of the machine would.
    public func kill() async {
        await process.kill()
        await epmd?.kill()
        lock = nil
    }

    /// Stops the broker but not the Erlang VM: connections are closed, ports refuse.
    public func stopApp() async throws { try await ctl(["stop_app"]) }

    public func startApp() async throws {
        try await ctl(["start_app"])
        try await waitUntilReady()
    }

    /// `rabbitmqctl` against this node; takes one to two seconds a call.
    /// - Returns: what it printed.
    /// - Throws: ``LocalServerError`` with code `tool` and its message.
    @discardableResult
    public func ctl(_ arguments: [String]) async throws -> String {
        let command = try node.control(arguments)
        for _ in 1..<Self.attempts {
            let result = try await Tool.attempt(command)
            guard !result.isSuccess, result.errors.contains(Self.denial) else { return try result.succeeded(command) }
        }
        return try await Tool.run(command)
    }

    /// Creates a virtual host in which `admin` may do everything, and returns its URL.
    /// - Parameter name: letters, digits, `-` and `_`.
    public func createVirtualHost(_ name: String) async throws -> String {
        _ = try await management.send("PUT", "/api/vhosts/\(name)", body: "{}")
        _ = try await management.send(
            "PUT", "/api/permissions/\(name)/\(Self.user)", body: #"{"configure":".*","write":".*","read":".*"}"#)
        return url + name
    }

    /// Listeners open last, so this answer means: booted, AMQP is open, the management plugin works, `admin` exists.
    private func waitUntilReady() async throws {
        let management = management
        let path = "/api/health/checks/port-listener/\(port)"
        try await Readiness(process: process, folder: node.folder).wait { await management.answers(path) }
    }

    private func importDefinitions(_ path: String) async throws {
        guard let definitions = try? String(contentsOf: URL(filePath: path), encoding: .utf8) else {
            throw LocalServerError(.missing, "The definitions file \(path) cannot be read.")
        }
        _ = try await management.send("POST", "/api/definitions", body: definitions)
    }
}
