import Logging
import Processes
import Synchronization
import Terminal

/// Workers that are child processes of this one. They are restarted when they end. SIGTERM ends them after they have finished the work that they hold.
package actor LocalWorkers: WorkerPools {
    private struct Member: Sendable {
        let pool: String
        let process: ManagedProcess
        /// Ends when the member is retired.
        let service: AsyncStream<Never>
        let retirement: AsyncStream<Never>.Continuation
    }

    private let command: @Sendable (_ pool: String) -> ProcessCommand
    private let isReady: @Sendable (_ pid: Int32) async -> Bool
    private let grace: Duration
    private let logger: Logger
    /// The workers of each pool, oldest first.
    private var members: [String: [Member]] = [:]
    private var started = 0
    private nonisolated let newcomers = AsyncStream<Member>.makeStream()

    /// - Parameters:
    ///   - command: Returns the command of a pool's worker, whose output goes to this process's output.
    ///   - grace: The time that a worker may take to end before it is killed.
    ///   - isReady: Returns true if the worker with this process id can do its work.
    package init(
        command: @escaping @Sendable (_ pool: String) -> ProcessCommand, grace: Duration, isReady: @escaping @Sendable (_ pid: Int32) async -> Bool, logger: Logger
    ) {
        self.command = command
        self.grace = grace
        self.isReady = isReady
        self.logger = logger
    }

    package nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            for await member in newcomers.stream { group.addTask { await self.keep(member) } }
        }
    }

    package func count(of pool: String) -> Int? { members[pool, default: []].count }

    /// - Throws: `ProcessError` if a worker cannot be started; those started before it keep running.
    package func scale(_ pool: String, to count: Int) async throws {
        while members[pool, default: []].count < count {
            started += 1
            let (service, retirement) = AsyncStream<Never>.makeStream()
            let process = ManagedProcess(name: "\(pool)-\(started)", command: command(pool), output: .lines { Console.print($0 + "\n") })
            let member = Member(pool: pool, process: process, service: service, retirement: retirement)
            members[pool, default: []].append(member)
            do {
                try await process.start()
            } catch {
                members[pool, default: []].removeAll { $0.process === process }
                throw error
            }
            // Without `run`, nothing else would end it.
            if case .terminated = newcomers.continuation.yield(member) { await process.stop(grace: grace) }
        }
        // The newest first: older ones have warm caches.
        while members[pool, default: []].count > count, let member = members[pool]?.popLast() { member.retirement.finish() }
    }

    /// Returns when the worker has ended for good, through its retirement or the cancellation of this task.
    private nonisolated func keep(_ member: Member) async {
        let (process, grace) = (member.process, grace)
        let loop = RestartLoop(process, start: { try await process.start() }, stop: { await process.stop(grace: grace) }, isReady: isReady)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await loop.run { self.report($0, of: member) } }
            for await _ in member.service {}
            group.cancelAll()
            await process.stop(grace: grace)
        }
    }

    private nonisolated func report(_ event: RestartLoop.Event, of member: Member) {
        let metadata: Logger.Metadata = ["pool": "\(member.pool)", "worker": "\(member.process.name)"]
        switch event {
        case .ended(let status, let pause):
            logger.warning("a worker ended and starts again", metadata: metadata.merging(["status": "\(status)", "pause": "\(pause.inSeconds)"]) { $1 })
        case .notStarted(let error, _):
            logger.error("a worker could not be started", metadata: metadata.merging(["error": "\(error)"]) { $1 })
        case .startedAgain: break
        }
    }
}
