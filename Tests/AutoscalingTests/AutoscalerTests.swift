import FoundationEssentials
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import TestKit
import Testing

@testable import Autoscaling

@Suite(.timeLimit(.minutes(2))) struct `Autoscaling` {
    private let loads = Loads()

    /// The broker's statistics; nil if it does not answer.
    private final class Loads: Sendable {
        struct Away: Error {}

        private let current = Mutex<QueueLoad?>(QueueLoad(messages: 0, consumers: 0, handled: 0, arriving: 0))

        func set(_ load: QueueLoad?) { current.withLock { $0 = load } }

        func read() throws -> [String: QueueLoad] {
            guard let load = current.withLock({ $0 }) else { throw Away() }
            return ["q": load]
        }
    }

    private static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    private static func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "autoscale-\(UUID())").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func workers(_ script: String, grace: Duration = .seconds(30)) -> LocalWorkers {
        LocalWorkers(command: { _ in ProcessCommand("/bin/sh", ["-c", script]) }, grace: grace, isReady: { _ in true }, logger: Self.quiet)
    }

    private func autoscaler(_ workers: any WorkerPools, _ bounds: ClosedRange<Int> = 1...3, dryRun: (@Sendable (String) -> Void)? = nil) -> Autoscaler {
        Autoscaler(
            pools: [.init(name: "p", queues: ["q"], bounds: bounds)], goals: ScalingGoals(wait: 5, depth: 10, calm: .milliseconds(200), settling: .milliseconds(50)),
            interval: .milliseconds(20), workers: workers, loads: { [loads] in try loads.read() }, dryRun: dryRun, logger: Self.quiet)
    }

    /// Runs `body` beside the autoscaler, then stops it as SIGTERM does.
    private func running(_ autoscaler: Autoscaler, _ body: @Sendable () async throws -> Void) async throws {
        let group = ServiceGroup(services: [autoscaler], logger: Self.quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body()
            } catch {
                tasks.cancelAll()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func `a burst starts workers, calm ends them by SIGTERM one at a time, and a stop drains the rest`() async throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let living = { @Sendable in try FileManager.default.contentsOfDirectory(atPath: folder).count { $0.hasPrefix("alive") } }
        let drained = { @Sendable in try FileManager.default.contentsOfDirectory(atPath: folder).count { $0.hasPrefix("drained") } }
        // The worker finishes its work before it ends.
        let workers = workers(
            "trap 'sleep 0.1; mv \(folder)/alive-$$ \(folder)/drained-$$; exit 0' TERM; touch \(folder)/alive-$$; while :; do sleep 0.02; done")
        try await running(autoscaler(workers)) { [loads] in
            try await eventually("The minimum") { try living() == 1 }
            loads.set(QueueLoad(messages: 500, consumers: 1, handled: 1, arriving: 1))
            try await eventually("The maximum") { try living() == 3 }
            loads.set(nil)
            #expect(await workers.count(of: "p") == 3)
            loads.set(QueueLoad(messages: 0, consumers: 3, handled: 0, arriving: 0))
            try await eventually("The minimum again") { try living() == 1 && drained() == 2 }
        }
        #expect(try living() == 0)
        #expect(try drained() == 3)
    }

    @Test func `a worker that ends is started again, and a stop during its pause ends everything`() async throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await running(autoscaler(workers("touch \(folder)/$$; exit 3"))) {
            try await eventually("Three starts") { try FileManager.default.contentsOfDirectory(atPath: folder).count >= 3 }
        }
    }

    @Test func `a worker that cannot be started is reported and retried`() async throws {
        let workers = LocalWorkers(command: { _ in ProcessCommand("/none") }, grace: .seconds(30), isReady: { _ in false }, logger: Self.quiet)
        let autoscaler = autoscaler(workers)
        try await running(autoscaler) {
            try await eventually("The report") { autoscaler.problem?.contains("/none is not an executable file") == true }
            #expect(await workers.count(of: "p") == 0)
        }
    }

    @Test func `missing statistics are reported as the problem until they return`() async throws {
        loads.set(nil)
        let autoscaler = autoscaler(workers("exec sleep 100"))
        try await running(autoscaler) { [loads] in
            try await eventually("The report") { autoscaler.problem?.contains("Away") == true }
            loads.set(QueueLoad(messages: 0, consumers: 1, handled: 0, arriving: 0))
            try await eventually("Its end") { autoscaler.problem == nil }
        }
    }

    @Test func `a dry run prints decisions with their reasons and starts nothing`() async throws {
        loads.set(QueueLoad(messages: 500, consumers: 2, handled: 1, arriving: 1))
        let lines = Mutex<[String]>([])
        try await running(autoscaler(UnchangedPools(), 1...8, dryRun: { line in lines.withLock { $0.append(line) } })) {
            try await eventually("A decision") { !lines.withLock { $0.isEmpty } }
        }
        #expect(lines.withLock { $0.first } == "p: 2 → 8: 500 messages in q would take 500.0 s at the current rate")
    }
}
