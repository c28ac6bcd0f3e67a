import Logging
import ServiceLifecycle
import Synchronization
import Terminal

/// Reads the queues periodically, and keeps each pool at the number of workers that it needs. When stopped, it ends the workers that it has started.
package struct Autoscaler: Service {
    package struct Pool: Sendable {
        package let name: String
        package let queues: [String]
        package let bounds: ClosedRange<Int>

        package init(name: String, queues: [String], bounds: ClosedRange<Int>) {
            self.name = name
            self.queues = queues
            self.bounds = bounds
        }
    }

    private final class State: Sendable {
        let problem = Mutex<String?>(nil)
    }

    private let pools: [Pool]
    private let goals: ScalingGoals
    private let interval: Duration
    private let workers: any WorkerPools
    private let loads: @Sendable () async throws -> [String: QueueLoad]
    private let dryRun: (@Sendable (String) -> Void)?
    private let logger: Logger
    private let state = State()

    /// - Parameters:
    ///   - interval: The time between two reads of the queues.
    ///   - loads: Returns the current loads of the broker's queues.
    ///   - dryRun: Receives each decision as a line; if set, no decision is carried out.
    package init(
        pools: [Pool], goals: ScalingGoals, interval: Duration, workers: any WorkerPools, loads: @escaping @Sendable () async throws -> [String: QueueLoad],
        dryRun: (@Sendable (String) -> Void)? = nil, logger: Logger
    ) {
        self.pools = pools
        self.goals = goals
        self.interval = interval
        self.workers = workers
        self.loads = loads
        self.dryRun = dryRun
        self.logger = logger
    }

    /// The reason why nothing can be decided or changed, if any.
    package var problem: String? { state.problem.withLock { $0 } }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run() }
            await cancelWhenGracefulShutdown { await scale() }
            group.cancelAll()
        }
    }

    private func scale() async {
        var scalers = pools.map { PoolScaler(queues: $0.queues, bounds: $0.bounds, goals: goals) }
        while !Task.isCancelled {
            var problem: String?
            var found: [String: QueueLoad] = [:]
            do {
                found = try await loads()
            } catch {
                problem = "\(error)"
            }
            for (index, pool) in pools.enumerated() where !Task.isCancelled {
                do {
                    try await adjust(pool, &scalers[index], found)
                } catch {
                    problem = "\(pool.name): \(error)"
                }
            }
            note(problem)
            try? await Task.sleep(for: interval)
        }
    }

    private func adjust(_ pool: Pool, _ scaler: inout PoolScaler, _ loads: [String: QueueLoad]) async throws {
        // If workers cannot be counted, the queue's consumers are counted instead.
        let consumers = pool.queues.compactMap { loads[$0]?.consumers }.max()
        guard let count = try await workers.count(of: pool.name) ?? consumers else {
            dryRun?("\(pool.name): \(ScalingReason.noFigures)")
            return
        }
        let decision = scaler.decide(loads, workers: count, at: .now)
        let change = decision.workers == count ? "\(count)" : "\(count) → \(decision.workers)"
        if let dryRun { return dryRun("\(pool.name): \(change): \(decision.reason)") }
        guard decision.workers != count else { return }
        logger.info("scaling", metadata: ["pool": "\(pool.name)", "from": "\(count)", "to": "\(decision.workers)", "reason": "\(decision.reason)"])
        try await workers.scale(pool.name, to: decision.workers)
    }

    /// Logs the beginning and the end of a problem.
    private func note(_ problem: String?) {
        guard !Task.isCancelled else { return }
        let before = state.problem.withLock { state in
            defer { state = problem }
            return state
        }
        switch (before, problem) {
        case (_, let problem?) where problem != before: logger.warning("pools are not scaled", metadata: ["error": "\(problem)"])
        case (_?, nil): logger.info("pools are scaled again")
        default: break
        }
    }
}
