import Assembly
import FoundationEssentials
import LocalServers
import LocalState
import Processes
import Terminal

/// Keeps one process of `wharf-dev up` running, and reports each start on the terminal and in the run record.
package struct ProcessSupervisor: Sendable {
    /// A start that took at least this long is reported when it completes.
    private static let notableStart = Duration.milliseconds(500)
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
        let loop = RestartLoop(process, start: { try await begin(recorder) }, stop: stop, isReady: isReady)
        await loop.run { event in
            switch event {
            case .ended(let status, let pause):
                let trouble = "\(status)"
                startGuard.ended(name, trouble, isHopeless: status == .exited(Self.statusOfBadSettings), log: log)
                report(trouble, pause, console)
            case .notStarted(let error, let pause):
                let trouble = "could not be started (\(error))"
                startGuard.ended(name, trouble, log: log)
                report(trouble, pause, console)
            case .startedAgain(let elapsed) where elapsed >= Self.notableStart:
                console.line("\(Self.time) \(console.paint.good(name)) runs again, after \(elapsed.inSeconds)")
            case .startedAgain: break
            }
        }
    }

    private func report(_ trouble: String, _ pause: Duration, _ console: Console) {
        console.line("\(Self.time) \(console.paint.bad(name)) \(trouble), starts again in \(pause.inSeconds)\(lastLine)")
    }

    private var lastLine: String {
        log.lastLines(1).first.map { ": \($0)" } ?? ""
    }

    private func record(_ recorder: RunRecorder) async {
        guard let pid = await process.pid else { return }
        await recorder.began(name, role: role, pid: pid)
    }

    private static var time: String {
        Date().formatted(Date.ISO8601FormatStyle().time(includingFractionalSeconds: false)) + "Z"
    }
}
