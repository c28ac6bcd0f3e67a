import Assembly
import FoundationEssentials
import LocalServers
import LocalState
import Terminal

/// Keeps a started process running: when it ends it is restarted, after a growing pause, and the console reports it.
package struct ProcessSupervisor: Sendable {
    /// A start that took at least this long is reported when it completes.
    private static let notableStart = Duration.milliseconds(500)
    /// How often a process is asked whether it is ready, until it is: the pause doubles.
    private static let firstLook = Duration.milliseconds(50)
    private static let longestLook = Duration.seconds(1)
    /// EX_CONFIG: a setting is wrong.
    private static let statusOfBadSettings: Int32 = 78

    package let name: String
    package let role: String
    package let process: ManagedProcess
    package let log: LogFile
    package let start: @Sendable () async throws -> Void
    package let stop: @Sendable () async -> Void
    /// Whether the process of this id can do its work now.
    package var isReady: @Sendable (_ pid: Int32) async -> Bool = { _ in false }
    /// Its own report.
    package var health: @Sendable () async -> StatusReport.Health = { .init(.unknown) }

    /// Starts it for the first time. A cancellation does not leave it half started.
    func begin(_ recorder: RunRecorder) async throws {
        log.rotate()
        let start = start
        try await Task { try await start() }.value
        await record(recorder)
    }

    /// Returns after cancellation, when the process has ended; ending it is up to the caller that cancels.
    func keep(_ recorder: RunRecorder, startGuard: StartGuard, console: Console) async {
        let clock = ContinuousClock()
        var policy = RestartPolicy()
        var began = clock.now
        while true {
            let (status, hadServed) = await end()
            if Task.isCancelled { return }
            var trouble = Self.describe(status)
            startGuard.ended(name, trouble, isHopeless: status == .exited(Self.statusOfBadSettings), log: log)
            var lifetime = clock.now - began
            var served = hadServed
            while true {
                let pause = policy.pause(afterRunning: lifetime, hadServed: served)
                console.line("\(Self.time) \(console.paint.bad(name)) \(trouble), starts again in \(pause.inSeconds)\(lastLine)")
                do {
                    try await clock.sleep(for: pause)
                    try await startAgain(recorder, console)
                    began = clock.now
                    break
                } catch is CancellationError {
                    return
                } catch {
                    trouble = "could not be started (\(error))"
                    startGuard.ended(name, trouble, log: log)
                    lifetime = .zero
                    served = false
                }
            }
            // A stop of the whole group may have missed it, because it had not started yet.
            if Task.isCancelled { return await stop() }
        }
    }

    /// Waits for the end of the process, and checks meanwhile whether it becomes ready.
    private func end() async -> (status: ManagedProcess.ExitStatus, hadServed: Bool) {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                var pause = Self.firstLook
                while !Task.isCancelled {
                    if let pid = await process.pid, await isReady(pid) { return true }
                    try? await Task.sleep(for: pause)
                    pause = min(pause * 2, Self.longestLook)
                }
                return false
            }
            let status = await process.exit ?? .unknown
            group.cancelAll()
            return (status, await group.next() ?? false)
        }
    }

    private func startAgain(_ recorder: RunRecorder, _ console: Console) async throws {
        let clock = ContinuousClock()
        let startedAt = clock.now
        try await begin(recorder)
        let elapsed = clock.now - startedAt
        if elapsed >= Self.notableStart {
            console.line("\(Self.time) \(console.paint.good(name)) runs again, after \(elapsed.inSeconds)")
        }
    }

    private var lastLine: String {
        log.lastLines(1).first.map { ": \($0)" } ?? ""
    }

    private func record(_ recorder: RunRecorder) async {
        guard let pid = await process.pid else { return }
        await recorder.began(name, role: role, pid: pid)
    }

    static func describe(_ status: ManagedProcess.ExitStatus) -> String {
        switch status {
        case .exited(let code): "ended with status \(code)"
        case .signalled(let signal): "was ended by signal \(signal)"
        case .unknown: "ended"
        }
    }

    private static var time: String {
        Date().formatted(Date.ISO8601FormatStyle().time(includingFractionalSeconds: false)) + "Z"
    }
}
