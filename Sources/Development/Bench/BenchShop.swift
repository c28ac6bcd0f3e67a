import Assembly
import FoundationEssentials
import LocalServers
import LocalState
import Logging
import PostgreSQL
import Terminal
import Up

/// A `wharf-dev up` of the benchmark's own: this executable, private servers with full durability, every role a process.
actor BenchShop {
    static let startLimit = Duration.seconds(300)
    /// More than `wharf-dev up` takes to stop everything in order.
    private static let grace = Duration.seconds(75)
    private static let pollPause = Duration.milliseconds(20)
    private static let tracing = ["LOG_LEVEL": "trace", "LOG_FORMAT": "ecs"]

    private let folder: BenchFolder
    private let executable: String
    private let port: Int
    private let logger: Logger
    private var process: ManagedProcess?
    private var database: PostgresPool?

    init(_ folder: BenchFolder, executable: String, logger: Logger) throws {
        self.folder = folder
        self.executable = executable
        self.logger = logger
        port = try FreePorts.next(for: folder.path)
    }

    /// Starts everything, over the data of the run before, and returns when the shop says that it is ready.
    /// - Parameter isTraced: Logs tell the way of each message; that costs time.
    /// - Parameter settings: Settings in addition to those of `wharf-dev up`.
    /// - Parameter external: The settings of servers that run elsewhere and replace its own.
    func start(workers: Int, isTraced: Bool = false, settings: [String: String] = [:], external: [String: String] = [:]) async throws -> RunningShop {
        await stop()
        let printed = LineStore()
        let startedAt = ContinuousClock.now
        let process = ManagedProcess(
            name: "wharf-dev up",
            command: ProcessCommand(
                executable, ["up", "--no-demo", "--workers", "\(workers)"] + (external.isEmpty ? [] : ["--external"]),
                environment: ["WHARF_HTTP_ADDRESS": "127.0.0.1:\(port)"].merging(isTraced ? Self.tracing : settings) { $1 }.merging(external) { $1 },
                inheritsEnvironment: false, workingFolder: folder.path),
            output: .lines { printed.add($0) })
        self.process = process
        try await process.start()
        let state = folder.state
        let isReady = try await poll(every: Self.pollPause, within: Self.startLimit) {
            guard await process.isRunning else {
                throw BenchError(.failed, "wharf-dev up ended while it started:\n\(printed.last(10).joined(separator: "\n"))")
            }
            let record: RunRecord? = try state.read(from: StateFolder.recordFile)
            return record?.state == .ready
        }
        guard isReady else { throw BenchError(.deadline, "wharf-dev up was not ready within \(Self.startLimit.inSeconds).") }
        return try connect(startedAt, printed)
    }

    private func connect(_ startedAt: ContinuousClock.Instant, _ printed: LineStore) throws -> RunningShop {
        let state = folder.state
        guard let record: RunRecord = try state.read(from: StateFolder.recordFile),
            let environment: [String: String] = try state.read(from: StateFolder.environmentFile),
            let secrets: UpSecrets.Partial = try state.read(from: StateFolder.secretsFile), let password = secrets.adminPassword
        else { throw BenchError(.failed, "wharf-dev up left no record in \(state.path).") }
        let database = try PostgresPool(
            url: environment[ServerURLs.postgresVariable, default: ""], size: 2, applicationName: "wharf-dev bench", timeouts: .none,
            responseTimeout: .seconds(900), logger: logger)
        self.database = database
        return RunningShop(
            record: record, environment: environment, adminPassword: password, database: database, startedAt: startedAt,
            printed: printed)
    }

    /// Ends everything that was started. Does nothing when nothing runs.
    func stop() async {
        await database?.close()
        database = nil
        await process?.stop(grace: Self.grace)
        process = nil
    }
}

/// A shop that is ready, with an administrator's access to its servers.
struct RunningShop: Sendable {
    let record: RunRecord
    /// All settings, including the administrators' URLs.
    let environment: [String: String]
    let adminPassword: String
    let database: PostgresPool
    let startedAt: ContinuousClock.Instant
    /// Written by `wharf-dev up`.
    let printed: LineStore

    var url: String { record.url }

    /// - Throws: ``BenchError`` with code `failed` when payments go to another gateway.
    var sandboxURL: String {
        get throws {
            guard let url = record.sandboxURL else { throw BenchError(.failed, "The shop has no payment sandbox.") }
            return url
        }
    }

    /// An administrator's connections to the tables of a service.
    func pool(of service: String, _ logger: Logger) throws -> PostgresPool {
        try PostgresPool(
            url: environment[ServerURLs.postgresVariable, default: ""], size: 2, acquisitionTimeout: .seconds(60), applicationName: "wharf-dev bench", schema: service, timeouts: .none,
            responseTimeout: .seconds(900), logger: logger)
    }

    var sandboxKey: String { environment["STRIPE_API_KEY", default: ""] }

    /// The processes of a role; for a server the started process, which may have children.
    func processes(of role: String) -> [Int32] {
        record.processes.filter { $0.role == role }.map(\.pid)
    }

    var workers: [RunRecord.Process] {
        let services = Set(ServiceName.allCases.map(\.rawValue))
        return record.processes.filter { services.contains($0.role) }
    }
}
