import LocalState
import Terminal

/// Waits until processes of a processes can do their work, and says what they wait for meanwhile.
struct StartupProbe: Sendable {
    /// Until this nothing is said: a role takes a moment to connect.
    var silence = Duration.seconds(3)
    private static let pause = Duration.milliseconds(100)

    var limit = ReadinessProbe.limit
    let startGuard: StartGuard

    /// Returns when all are ready.
    /// - Parameter tell: gets one line for each trouble that holds the start up, once.
    /// - Throws: ``UpError`` with code `start` after `limit`, or when the start is given up; `CancellationError`.
    func wait(for supervisors: [ProcessSupervisor], tell: (String) -> Void) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        var waiting = supervisors
        var told: Set<String> = []
        while let supervisor = waiting.first {
            let health = await supervisor.health()
            if health.state == .ready {
                waiting.removeFirst()
                continue
            }
            try startGuard.check()
            let trouble = "\(supervisor.name) is not ready: \(health.detail ?? "it has not begun to answer")"
            guard clock.now - began < limit else { throw UpError(.start, "\(trouble); gave up after \(limit.inSeconds).", advice: "Its log is \(supervisor.log.path).") }
            if clock.now - began >= silence, told.insert(trouble).inserted {
                tell("\(trouble); waiting, at most \(limit.inSeconds) in all")
            }
            try await clock.sleep(for: Self.pause)
        }
    }
}
