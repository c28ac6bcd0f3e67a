import FoundationEssentials
import JSON
import Messaging
import Runtime

/// Runs the operators' command for each alert, one after another. An alert whose command fails climbs the retry ladder; the command may run twice for it.
struct AlertRunning: Sendable {
    /// Seconds after which no further alert of a batch is started, because the steps of jobs wait in the same queue. The last one may wait for its turn and then run.
    static let longestBatch = 15.0

    let command: DeadLetterRules.Alert.Command?
    let clock: any WallClock

    func run(_ items: [AlertDelivery.Item]) async -> [Failure?] {
        let end = clock.now().addingTimeInterval(Self.longestBatch)
        var failures: [Failure?] = []
        for (_, alert) in items { failures.append(await run(alert, before: end)) }
        return failures
    }

    /// Returns nil if the command succeeded.
    private func run(_ alert: DeadLetterAlert, before end: Date) async -> Failure? {
        guard let command else { return Failure("alert-unconfigured", "this worker has no alert command configured", remedy: .retry) }
        guard clock.now() < end else { return Failure("alert-command-busy", "the command took too long for other alerts", remedy: .retry) }
        do {
            return await command(String(decoding: try JSON.encode(alert), as: UTF8.self)).map { Failure("alert-command-failed", $0, remedy: .retry) }
        } catch {
            return Failure("alert-unencodable", "\(error)")
        }
    }
}
