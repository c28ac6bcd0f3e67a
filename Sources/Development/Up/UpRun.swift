import LocalState
import Logging
import Terminal
import WebClient

/// One run of `wharf-dev up`, from the first server to the last.
package struct UpRun: Sendable {
    package let folder: StateFolder
    package let console: Console
    package let logger: Logger
    /// nil when the servers are not this run's own.
    package let servers: Servers?
    package let processes: ProcessGroup
    package let environment: ChildEnvironment
    package let secrets: UpSecrets
    package let setup: Setup
    package let recorder: RunRecorder
    package let transport: any HTTPTransport
    /// Of the ingress.
    package let url: String
    package let port: Int
    /// The URL of the web console; nil for a run without one.
    package let consoleURL: String?
    package let wantsDemo: Bool
    package let startedAt: ContinuousClock.Instant

    package init(
        folder: StateFolder, console: Console, logger: Logger, servers: Servers?, processes: ProcessGroup, environment: ChildEnvironment,
        secrets: UpSecrets, setup: Setup, recorder: RunRecorder, transport: any HTTPTransport, url: String, port: Int, consoleURL: String? = nil, wantsDemo: Bool,
        startedAt: ContinuousClock.Instant
    ) {
        self.folder = folder
        self.console = console
        self.logger = logger
        self.servers = servers
        self.processes = processes
        self.environment = environment
        self.secrets = secrets
        self.setup = setup
        self.recorder = recorder
        self.transport = transport
        self.url = url
        self.port = port
        self.consoleURL = consoleURL
        self.wantsDemo = wantsDemo
        self.startedAt = startedAt
    }

    let startGuard = StartGuard()
    /// The started processes, for their supervisors.
    private let supervisors = AsyncStream<ProcessSupervisor>.makeStream()

    /// Starts everything in order and keeps it running until the task is cancelled; then, or when the start fails, stops everything in order.
    /// - Throws: why the start failed; `CancellationError`.
    package func live() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keepAll() }
            do {
                try await start()
                try await Self.untilCancelled()
            } catch {
                group.cancelAll()
                // Not a child task: it would inherit the cancellation.
                await Task { await stop() }.value
                throw error
            }
        }
    }

    /// Starts one process and supervises it from then on.
    func begin(_ supervisor: ProcessSupervisor) async throws {
        try await supervisor.begin(recorder)
        supervisors.continuation.yield(supervisor)
    }

    private func keepAll() async {
        await withDiscardingTaskGroup { group in
            for await supervisor in supervisors.stream {
                group.addTask { await supervisor.keep(recorder, startGuard: startGuard, console: console) }
            }
        }
    }

    static func untilCancelled() async throws {
        let (never, _) = AsyncStream<Never>.makeStream()
        for await _ in never {}
        try Task.checkCancellation()
    }

    /// The ingress first, so that no new requests come in; the servers last.
    private func stop() async {
        await recorder.enter(.stopping)
        let roles = [("ingress", processes.ingress), ("console", processes.console), ("workers", processes.workers), ("payment sandbox", processes.sandbox)].filter { !$0.1.isEmpty }
        let others = servers.map { [("RabbitMQ", $0.rabbitMQSupervisor), ("PostgreSQL", $0.postgresSupervisor), ("Redis", $0.redisSupervisor)] } ?? []
        await console.progress(roles.map(\.0) + others.map(\.0)) {
            for (name, supervisors) in roles {
                await console.part(name) { await ProcessGroup.stop(supervisors) }
            }
            await withTaskGroup(of: Void.self) { group in
                for (name, supervisor) in others {
                    group.addTask { await console.part(name) { await supervisor.stop() } }
                }
            }
        }
        folder.remove(StateFolder.environmentFile)
        await recorder.remove()
    }
}
