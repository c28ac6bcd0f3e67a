import Assembly
import Audit
import Contracts
import FoundationEssentials
import Glibc
import LocalServers
import LocalState
import Logging
import Operations
import ShopClient
import Synchronization
import Terminal
import Up
import WebClient

/// A whole shop with private, durable servers in a folder of its own, whose roles reach the servers through proxies.
///
/// Everything is a child of this process and ends with it, however it ends.
final class ChaosShop: Sendable {
    /// Workers of each service: while one is lost, the other goes on.
    static let workersPerService = 2
    private static let readyLimit = Duration.seconds(300)
    private static let pollPause = Duration.milliseconds(50)
    /// More than a server is given.
    private static let restartLimit = Duration.seconds(200)
    private static let gatewayLimit = Duration.seconds(86_400)

    let folder: PrivateFolder
    let executables: Executables
    private let backing: Backing
    let url: String
    let adminPassword: String
    /// The sandbox as its operator reaches it: past the proxy.
    let gateway: Shop
    private let proxies: [NetworkLink: Proxy]
    private let run: UpRun
    private let failure = Mutex<(any Error)?>(nil)
    private let tasks = Mutex<[Task<Void, Never>]>([])

    /// The shop's servers.
    private enum Backing: Sendable {
        case alone(Servers)
        case several(ChaosCluster)

        var alone: Servers? { if case .alone(let servers) = self { servers } else { nil } }
        var several: ChaosCluster? { if case .several(let cluster) = self { cluster } else { nil } }
    }

    /// One server of each kind.
    var servers: Servers {
        get throws {
            guard case .alone(let servers) = backing else { throw ChaosError(.failed, "This shop has several servers of each kind.") }
            return servers
        }
    }

    /// The one that accepts writes.
    var database: PostgresServer {
        get async throws {
            if case .several(let cluster) = backing { return await cluster.databases.primary }
            return try servers.postgres
        }
    }

    var cluster: ChaosCluster {
        get throws {
            guard case .several(let cluster) = backing else { throw ChaosError(.failed, "This shop has one server of each kind.") }
            return cluster
        }
    }

    /// Listens with the proxies; nothing else runs yet.
    /// - Throws: ``UpError``, `LocalServerError`.
    init(_ folder: PrivateFolder, isClustered: Bool = false, capture: CaptureMode = .automatic, transport: any HTTPTransport, logger: Logger) async throws {
        let state = folder.state
        try state.create()
        let log = try AppendedFile(folder.file("up.log"))
        let console = Console(terminal: Terminal(isLive: false, isColoured: false)) { log.write($0) }
        let http = try FreePorts.next(for: folder.path)
        let ports = try UpPorts.choose(in: state, environment: ["WHARF_HTTP_ADDRESS": "\(PortChoice.host):\(http)"], console: console, wantsConsole: false)
        guard let sandboxPort = ports.sandbox, let sandboxURL = ports.sandboxURL else { throw ChaosError(.failed, "There is no sandbox.") }
        self.folder = folder
        executables = try Executables()
        url = ports.http.url
        let proxy = try await Proxy(on: FreePorts.next(for: folder.path), to: sandboxPort)
        let (backing, urls, proxies) = try await Self.backing(isClustered: isClustered, state, logger)
        self.backing = backing
        self.proxies = proxies.merging([.gateway: proxy]) { $1 }
        let secrets = try UpSecrets.load(from: state)
        adminPassword = secrets.adminPassword
        gateway = Shop(transport: transport, url: sandboxURL, token: secrets.stripeAPIKey, deadline: .now + Self.gatewayLimit) { _ in }
        let environment = ChildEnvironment(
            outer: ["WHARF_CAPTURE": capture.rawValue], isExternal: false, urls: urls, secrets: secrets, httpAddress: "\(ports.http.address)",
            sandboxURL: sandboxURL.replacing(":\(sandboxPort)", with: ":\(proxy.port)"), mailFolder: state.mail)
        try state.write(environment.tools, to: StateFolder.environmentFile)
        let record = RunRecord(
            pid: getpid(), startedAt: Date(), state: .starting, httpAddress: "\(ports.http.address)", url: url, sandboxURL: sandboxURL,
            managementURL: ServerURLs.withoutCredentials(urls.management), adminEmail: UpSecrets.adminEmail)
        let members = ChildSpec.everyone(workersPerService: Self.workersPerService, ports: ports, folder: state)
        let probe = HealthProbe(transport: transport, publicPorts: [ports.http.address.port, sandboxPort])
        run = UpRun(
            folder: state, console: console, logger: logger, servers: backing.alone,
            processes: ProcessGroup(members, executables: executables, environment: environment, folder: state, probe: probe), environment: environment,
            secrets: secrets, setup: .standard, recorder: try RunRecorder(folder: state, record: record) { console.line($0) },
            transport: transport, url: url, port: ports.http.address.port, wantsDemo: false, startedAt: .now)
    }

    /// Starts everything, runs `body`, and ends everything in order, whatever has happened and however often it is cancelled.
    func whileRunning(_ body: @Sendable () async throws -> Void) async throws {
        // Not child tasks: a cancellation has to reach the body first, then the roles and servers, and the proxies between them last.
        let before = backing.several.map { $0.nodeProxies + $0.databaseProxies } ?? []
        let proxying = (Array(proxies.values) + before).map { proxy in Task { try? await proxy.run() } }
        let living = Task {
            do {
                try await backing.several?.start()
                try await run.live()
            } catch {
                failure.withLock { $0 = error }
            }
        }
        let result: Result<Void, any Error>
        do {
            try await awaitReady()
            try await body()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for task in tasks.withLock({ $0 }) + [living] {
            task.cancel()
            await task.value
        }
        await backing.several?.stop()
        for task in proxying {
            task.cancel()
            await task.value
        }
        try result.get()
    }

    private static func backing(
        isClustered: Bool, _ state: StateFolder, _ logger: Logger
    ) async throws -> (Backing, ServerURLs, [NetworkLink: Proxy]) {
        if isClustered {
            let cluster = try await ChaosCluster(state, logger: logger)
            return (.several(cluster), cluster.urls, [:])
        }
        let servers = try Servers(state, logger: logger)
        let broker = try await Proxy(on: FreePorts.next(for: state.path), to: servers.rabbitMQ.port)
        let database = try await Proxy(on: FreePorts.next(for: state.path), to: servers.postgres.port)
        func proxied(_ url: String, _ proxy: Proxy, _ port: Int) -> String {
            url.replacing("\(PortChoice.host):\(port)", with: "\(PortChoice.host):\(proxy.port)")
        }
        let direct = servers.urls
        let urls = ServerURLs(
            amqp: proxied(direct.amqp, broker, servers.rabbitMQ.port), postgres: proxied(direct.postgres, database, servers.postgres.port),
            redis: direct.redis, management: direct.management)
        return (.alone(servers), urls, [.broker: broker, .database: database])
    }

    /// Read directly from the databases, with the auditor's own role.
    func auditTarget(_ transport: any HTTPTransport) throws -> AuditTarget {
        AuditTarget(
            try Settings(environment: run.environment.setup), definitions: try Broker.definitions(Broker.standardDefinitions),
            sandbox: gateway.url, transport: transport)
    }

    private func awaitReady() async throws {
        let isReady = try await poll(every: Self.pollPause, within: Self.readyLimit) {
            if let failure = failure.withLock({ $0 }) { throw failure }
            return await run.recorder.record.state == .ready
        }
        guard isReady else { throw ChaosError(.deadline, "The shop was not ready within \(Self.readyLimit.inSeconds).") }
    }

    /// Runs work that ends by itself, or at the latest with the shop.
    func background(_ body: @escaping @Sendable () async -> Void) {
        tasks.withLock { $0.append(Task { await body() }) }
    }

    func proxy(_ link: NetworkLink) throws -> Proxy {
        guard let proxy = proxies[link] else { throw ChaosError(.failed, "There is no proxy for the \(link.rawValue).") }
        return proxy
    }

    /// The processes of a role, as they were last started.
    func processes(of role: String) async -> [RunRecord.Process] {
        await run.recorder.record.processes.filter { $0.role == role }
    }

    /// Sends a signal that ends the processes, one after another or all at once, and returns when each was restarted: servers when they answer.
    func end(_ processes: [RunRecord.Process], by signal: Int32) async throws {
        for process in processes { kill(process.pid, signal) }
        for process in processes {
            let isBack = try await poll(every: Self.pollPause, within: Self.restartLimit) {
                await self.processes(of: process.role).contains { $0.name == process.name && $0.restarts > process.restarts }
            }
            guard isBack else { throw ChaosError(.deadline, "\(process.name) did not start again within \(Self.restartLimit.inSeconds).") }
        }
    }
}

/// A file to which text is appended, closed with the last reference.
private final class AppendedFile: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws(UpError) {
        descriptor = unsafe open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw UpError(.folder, "Cannot open \(path).") }
    }

    deinit {
        close(descriptor)
    }

    func write(_ text: String) {
        Console.write(text, to: descriptor)
    }
}
