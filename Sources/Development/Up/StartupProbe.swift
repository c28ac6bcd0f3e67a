import LocalState
import Terminal

/// Waits until all processes of a group can do their work, and reports meanwhile what they wait for.
struct StartupProbe: Sendable {
    /// Nothing is reported before this: a role takes a moment to connect.
    var silence = Duration.seconds(3)
    private static let pause = Duration.milliseconds(100)

    var limit = ReadinessProbe.limit
    let startGuard: StartGuard

    /// Returns when all are ready.
    /// - Parameter report: receives one line for each problem that delays the start, once.
    /// - Throws: ``UpError`` with code `start` after `limit`, or when the start is given up; `CancellationError`.
    func wait(for supervisors: [ProcessSupervisor], report: (String) -> Void) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        var waiting = supervisors
        var reported: Set<String> = []
        while let supervisor = waiting.first {
            let health = await supervisor.health()
            if health.state == .ready {
                waiting.removeFirst()
                continue
            }
            try startGuard.check()
            let trouble = "\(supervisor.name) is not ready: \(health.detail ?? "it has not begun to answer")"
            guard clock.now - began < limit else { throw UpError(.start, "\(trouble); gave up after \(limit.inSeconds).", advice: "Its log is \(supervisor.log.path).") }
            if clock.now - began >= silence, reported.insert(trouble).inserted {
                report("\(trouble); waiting, at most \(limit.inSeconds) in all")
            }
            try await clock.sleep(for: Self.pause)
        }
    }
}
