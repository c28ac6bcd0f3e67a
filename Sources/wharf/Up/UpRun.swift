import Logging
import WebClient

/// One run of `wharf up`, from the first server to the last.
struct UpRun: Sendable {
    let folder: StateFolder
    let console: Console
    let logger: Logger
    /// nil when the servers are somebody else's.
    let servers: Servers?
    let crew: Crew
    let environment: ChildEnvironment
    let secrets: UpSecrets
    let setup: Setup
    let recorder: RunRecorder
    let transport: any HTTPTransport
    /// Of the ingress.
    let url: String
    let port: Int
    let wantsDemo: Bool
    let startedAt: ContinuousClock.Instant

    let startGuard = StartGuard()
    /// What was started, for those who keep it running.
    private let keepers = AsyncStream<Keeper>.makeStream()

    /// Starts everything in order and keeps it running until the task is cancelled; then, or when the start fails, stops everything in order.
    /// - Throws: why the start failed; `CancellationError`.
    func live() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keepAll() }
            do {
                try await start()
                try await untilCancelled()
            } catch {
                group.cancelAll()
                // Not a child task: it would inherit the cancellation.
                await Task { await stop() }.value
                throw error
            }
        }
    }

    /// Starts one process and has it kept from then on.
    func begin(_ keeper: Keeper) async throws {
        try await keeper.begin(recorder)
        keepers.continuation.yield(keeper)
    }

    private func keepAll() async {
        await withDiscardingTaskGroup { group in
            for await keeper in keepers.stream {
                group.addTask { await keeper.keep(recorder, startGuard: startGuard, console: console) }
            }
        }
    }

    private func untilCancelled() async throws {
        let (never, _) = AsyncStream<Never>.makeStream()
        for await _ in never {}
        try Task.checkCancellation()
    }

    /// The ingress first, so that nothing new comes in; the servers last.
    private func stop() async {
        await recorder.enter(.stopping)
        let roles = [("ingress", crew.ingress), ("workers", crew.workers), ("payment sandbox", crew.sandbox)].filter { !$0.1.isEmpty }
        let others = servers.map { [("RabbitMQ", $0.rabbitMQKeeper), ("PostgreSQL", $0.postgresKeeper), ("Redis", $0.redisKeeper)] } ?? []
        await console.progress(roles.map(\.0) + others.map(\.0)) {
            for (name, keepers) in roles {
                await console.part(name) { await Crew.stop(keepers) }
            }
            await withTaskGroup(of: Void.self) { group in
                for (name, keeper) in others {
                    group.addTask { await console.part(name) { await keeper.stop() } }
                }
            }
        }
        folder.remove(StateFolder.environmentFile)
        await recorder.remove()
    }
}
