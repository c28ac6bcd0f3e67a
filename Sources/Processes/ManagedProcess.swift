import FoundationEssentials
import Glibc

/// A long-lived child process: started, watched, stopped, and started again.
///
/// It has a session of its own and dies with this process, however this process dies
/// (see `ProcessCommand.tiedToThisProcess`).
public actor ManagedProcess {
    /// Where standard output and standard error go.
    public enum Output: Sendable {
        /// Appended to a file, which the process's account must be able to write.
        case file(String)
        /// Given to a closure line by line, in order; lines over 64 KiB are cut. The closure must not block.
        /// Whatever is in the pipe when the process ends is still read; processes that hold the pipe open are not waited for.
        case lines(@Sendable (String) -> Void)
    }

    /// How a process ended.
    public enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)
        /// The operating system did not report it.
        case unknown

        /// As in: "orders-1 ended with status 3".
        public var description: String {
            switch self {
            case .exited(let code): "ended with status \(code)"
            case .signalled(let signal): "was ended by signal \(signal)"
            case .unknown: "ended"
            }
        }
    }

    /// For messages only.
    public nonisolated let name: String
    private let command: ProcessCommand
    private let output: Output
    /// The current run. Never cancelled: it ends with the process, which ``stop(signal:grace:)`` ends.
    private var end: Task<ExitStatus, Never>?
    /// Callers that wait for the process id.
    private var starting: CheckedContinuation<Void, any Error>?
    /// How the latest run ended; nil before the first start and while the process runs.
    public private(set) var lastExit: ExitStatus?

    public init(name: String, command: ProcessCommand, output: Output) {
        self.name = name
        self.command = command
        self.output = output
    }

    /// The process id; nil when it is not running.
    public private(set) var pid: Int32?

    public var isRunning: Bool { end != nil }

    /// Waits for the current run to end, and returns how the latest one ended; nil when there was none.
    public var exit: ExitStatus? {
        get async {
            if let end { return await end.value }
            return lastExit
        }
    }

    /// Starts the process and returns when it has a process id; whether it works is for the caller to find out.
    /// - Throws: ``ProcessError``: `running` if it is already running, `missing` if there is no such program.
    public func start() async throws {
        guard end == nil else { throw ProcessError(.running, "\(name) runs already.") }
        guard FileManager.default.isExecutableFile(atPath: command.executable) else {
            throw ProcessError(.missing, "\(name): \(command.executable) is not an executable file.")
        }
        lastExit = nil
        // Not to be cancelled: a process whose id was never received could not be ended.
        try await withCheckedThrowingContinuation { started in
            starting = started
            end = Task { await perform() }
        }
    }

    private func perform() async -> ExitStatus {
        var status = ExitStatus.unknown
        var failure = ProcessError(.start, "\(name) could not be started.")
        do {
            status = try await ChildProcess(command: command, output: output).run { await self.began($0) }
        } catch {
            failure = ProcessError(.start, "\(name) could not be started: \(error)")
        }
        starting?.resume(throwing: failure)
        starting = nil
        pid = nil
        end = nil
        lastExit = status
        return status
    }

    private func began(_ id: Int32) {
        pid = id
        starting?.resume()
        starting = nil
    }

    /// Sends the signal, and after the grace period SIGKILL to the whole process group; returns when the process and
    /// all processes below it are gone. Cancelling the caller does not shorten it.
    /// - Returns: how it ended; nil when it had never run.
    @discardableResult
    public func stop(signal: Int32 = SIGTERM, grace: Duration = .seconds(10)) async -> ExitStatus? {
        guard let pid, let end else { return lastExit }
        let below = ProcessTree.descendants(of: pid)
        _ = Glibc.kill(pid, signal)
        // Not a child task: it would inherit a cancellation, and with it lose the grace period.
        let force = Task {
            try await Task.sleep(for: grace)
            _ = Glibc.kill(-pid, SIGKILL)
        }
        let status = await end.value
        force.cancel()
        await Self.end(below)
        return status
    }

    /// SIGKILL to the process group, at once. Returns when the process and all processes below it are gone.
    public func kill() async {
        guard let pid, let end else { return }
        let below = ProcessTree.descendants(of: pid)
        _ = Glibc.kill(-pid, SIGKILL)
        _ = await end.value
        await Self.end(below)
    }

    /// Runs the process to its end. At the time limit, or if the caller is cancelled, it is killed with all processes below it.
    /// - Returns: how it ended, and whether it was killed.
    /// - Throws: ``ProcessError`` as ``start()`` does.
    public func run(within limit: Duration) async throws -> (status: ExitStatus, isKilled: Bool) {
        try await start()
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                _ = await self.exit
                return false
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return true
            }
            let isKilled = await group.next() ?? true
            group.cancelAll()
            if isKilled { await kill() }
            return (await exit ?? .unknown, isKilled)
        }
    }

    /// Sends a signal to the process alone, for instance SIGSTOP in a fault test; ignored when it does not run.
    public func send(signal: Int32) {
        guard let pid else { return }
        _ = Glibc.kill(pid, signal)
    }

    private static let limitForStragglers = Duration.seconds(5)

    /// Ends processes that lost their parent. They are no longer children of this process, so they can only be polled.
    private static func end(_ processes: [ProcessIdentity]) async {
        ProcessTree.kill(processes)
        let gone = Task { try await poll(every: .milliseconds(2), within: limitForStragglers) { !processes.hasLiving } }
        _ = await gone.result
        // In a container this process may be the first of all, which receives those that have lost their parent and has to reap them.
        for process in processes where ProcessStatus(id: process.id)?.startTime == process.startTime { waitpid(process.id, nil, WNOHANG) }
    }
}
