import ArgumentParser
import Assembly
import FoundationEssentials
import Glibc
import LocalServers
import LocalState
import Logging
import Operations
import Terminal
import WebClient

/// Everything on this machine: servers, schemas, topology, every role, and something to sell.
package struct Up: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts everything on this machine and keeps it running until Ctrl-C; needs no settings.",
        discussion: """
            Starts a private RabbitMQ, PostgreSQL and Redis, one ingress, workers for every service, the web console, a payment sandbox (unless STRIPE_API_KEY is set) and a \
            Maildir (unless WHARF_MAIL_URL is set). Everything listens on 127.0.0.1 and keeps its state in .wharf/ of the working folder.
            """)

    private static let maximumWorkers = 32
    private static let openapi = "topology/openapi.yaml"

    @Flag(help: "Start no servers; use WHARF_AMQP_URL, WHARF_POSTGRES_URL, WHARF_REDIS_URL, WHARF_RABBITMQ_MANAGEMENT_URL.")
    var external = false

    @Option(help: "Worker processes per service, 1 to \(maximumWorkers). With two, one may die; with few cores, one is faster.")
    var workers = 2

    @Flag(inversion: .prefixedNo, help: "Load a catalog of some 60 products on the first run.")
    var demo = true

    package init() {}

    package func validate() throws {
        guard (1...Self.maximumWorkers).contains(workers) else {
            throw ValidationError("--workers is 1 to \(Self.maximumWorkers), not \(workers).")
        }
    }

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let console = Console(terminal: Terminal(environment: environment))
        try await Self.owningState(console, isReady: Self.checkProject) { folder in
            try makeRun(folder, try Self.readingFiles(environment), console).live
        }
    }

    /// Runs a command as the only one that uses the state folder of the working folder. Its errors are printed, and become the exit status.
    /// - Parameters:
    ///   - isReady: Throws if the folder must not even be created.
    ///   - prepare: Returns what runs until a stop is requested.
    static func owningState(
        _ console: Console, isReady: () throws -> Void = {}, _ prepare: (StateFolder) throws -> @Sendable () async throws -> Void
    ) async throws {
        // The files that this process and its children write are readable by this account alone.
        umask(0o077)
        do {
            try isReady()
            let folder = StateFolder()
            try folder.create()
            let lock = try UpLock(folder)
            defer { withExtendedLifetime(lock) {} }
            let run = try prepare(folder)
            try await StopRequest(abort: LiveProcesses.killAll).cancelling(console: console) { try await run() }
        } catch let error as UpError {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        } catch {
            Role.complain("\(error)")
            throw ExitCode.failure
        }
    }

    /// The roles read these in the working folder: without them nothing is started, and nothing is left behind.
    private static func checkProject() throws(UpError) {
        let here = FileManager.default.currentDirectoryPath
        let missing = ["topology/definitions.json", Self.openapi].filter { !FileManager.default.isReadableFile(atPath: "\(here)/\($0)") }
        guard missing.isEmpty else {
            throw UpError(.folder, "\(missing.joined(separator: " and ")) cannot be read in \(here).", advice: "Run wharf-dev up in the project's folder.")
        }
    }

    private func makeRun(_ folder: StateFolder, _ variables: [String: String], _ console: Console) throws -> UpRun {
        let startedAt = ContinuousClock.now
        let logger = Logger(label: "wharf-dev up") { _ in ConsoleLogHandler(console) }
        // Checked before anything is started.
        let outside = external ? try ServerURLs(environment: variables) : nil
        let secrets = try UpSecrets.load(from: folder)
        let ports = try UpPorts.choose(in: folder, environment: variables, console: console)
        let servers = external ? nil : try Servers(folder, logger: logger)
        guard let urls = outside ?? servers?.urls else { throw UpError(.start, "There are no servers.") }
        let environment = ChildEnvironment(
            outer: variables, isExternal: external, urls: urls, secrets: secrets, httpAddress: "\(ports.http.address)",
            consoleAddress: ports.console.map { "\($0)" }, sandboxURL: ports.sandboxURL, mailFolder: folder.mail, clockFile: folder.clock)
        let transport = WebClient(logger: logger)
        let probe = HealthProbe(transport: transport, publicPorts: Set([ports.http.address.port, ports.sandbox, ports.console?.port].compactMap(\.self)))
        let members = ChildSpec.everyone(workersPerService: workers, ports: ports, folder: folder, webhookEventsOf: Self.openapi)
        try check(environment, members, logger)
        try folder.write(environment.tools, to: StateFolder.environmentFile)
        let record = RunRecord(
            pid: ProcessInfo.processInfo.processIdentifier, startedAt: Date(), state: .starting, httpAddress: "\(ports.http.address)",
            url: ports.http.url, consoleURL: ports.consoleURL, sandboxURL: ports.sandboxURL, managementURL: ServerURLs.withoutCredentials(urls.management),
            adminEmail: UpSecrets.adminEmail)
        return UpRun(
            folder: folder, console: console, logger: logger, servers: servers,
            processes: ProcessGroup(members, executables: try Executables(), environment: environment, folder: folder, probe: probe),
            environment: environment, secrets: secrets, setup: .standard,
            recorder: try RunRecorder(folder: folder, record: record) { console.line($0) },
            transport: transport, url: ports.http.url, port: ports.http.address.port, consoleURL: ports.consoleURL, wantsDemo: demo, startedAt: startedAt)
    }

    /// Each process receives its own secrets, and not the names of files.
    private static func readingFiles(_ environment: [String: String]) throws(UpError) -> [String: String] {
        do {
            return try Settings.readingFiles(environment)
        } catch {
            throw UpError(.settings, "\(error)")
        }
    }

    /// Finds a wrong setting before anything is started: each process would end by it.
    private func check(_ environment: ChildEnvironment, _ members: [ChildSpec], _ logger: Logger) throws(UpError) {
        for variables in [environment.setup] + members.map({ environment.variables(for: $0.kind) }) {
            do {
                let settings = try Settings(environment: variables)
                try Assembly(settings: settings, logger: logger, name: "up").prepareMailFolder()
            } catch {
                throw UpError(.settings, "\(error)")
            }
        }
    }
}
