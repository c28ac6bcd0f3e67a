import FoundationEssentials
import LocalServers

/// Keeps something running that was started: when it ends it is started again, after a growing pause, and that is said.
struct Keeper: Sendable {
    let name: String
    let role: String
    let process: ManagedProcess
    let log: LogFile
    let start: @Sendable () async throws -> Void
    let stop: @Sendable () async -> Void

    /// Starts it for the first time. A cancellation does not leave it half started.
    func begin(_ recorder: RunRecorder) async throws {
        log.rotate()
        let start = start
        try await Task { try await start() }.value
        await record(recorder)
    }

    /// Returns after cancellation, when what it keeps has ended; ending it is the canceller's part.
    func keep(_ recorder: RunRecorder, startGuard: StartGuard, console: Console) async {
        let clock = ContinuousClock()
        var policy = RestartPolicy()
        var began = clock.now
        while true {
            let status = await process.exit ?? .unknown
            if Task.isCancelled { return }
            var trouble = Self.describe(status)
            let lastLine = log.lastLines(1).first.map { ": \($0)" } ?? ""
            while true {
                startGuard.ended(name, trouble, log: log)
                let pause = policy.pause(afterRunning: clock.now - began)
                console.line("\(Self.time) \(console.paint.bad(name)) \(trouble), starts again in \(pause.inSeconds)\(lastLine)")
                do {
                    try await clock.sleep(for: pause)
                    let startedAt = clock.now
                    try await begin(recorder)
                    began = clock.now
                    console.line("\(Self.time) \(console.paint.good(name)) runs again, after \((began - startedAt).inSeconds)")
                    break
                } catch is CancellationError {
                    return
                } catch {
                    trouble = "could not be started (\(error))"
                    began = clock.now
                }
            }
            // Whoever stops everything may have passed by before it had started.
            if Task.isCancelled { return await stop() }
        }
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
