import AMQP
import FoundationEssentials
import Runtime
import ServiceLifecycle

/// Publishes the outputs of a message that is still unacknowledged, and holds both while the broker accepts nothing.
///
/// A delivery that is released counts towards its queue's delivery limit. If every failed publication released its delivery, a memory alarm of a few
/// minutes would turn every message of a service into a dead letter, although none of them is at fault.
struct RetryingPublisher: Sendable {
    /// RabbitMQ closes a channel whose deliveries are unacknowledged for longer than `consumer_timeout`, 30 minutes by default, and counts that as a delivery
    /// as well.
    static let longestHold: Duration = .seconds(20 * 60)
    /// How often a publication is repeated to a broker that accepts publications but does not confirm it.
    static let maximumAttempts = 3
    static let firstPause: Duration = .milliseconds(200)
    static let longestPause: Duration = .seconds(5)

    let publisher: any MessagePublisher
    let clock: any WallClock

    /// Whether the broker accepts publications at the moment, as far as is known.
    var isOpen: Bool { publisher.isConnected && !publisher.isBlocked }

    /// Returns the outcome of each publication, in order. One that `failed` was not confirmed by a broker that accepts publications, or was held for the
    /// longest possible time, or the process is stopping.
    func publish(_ publications: [Publication]) async -> [PublishOutcome] {
        guard !publications.isEmpty else { return [] }
        let start = clock.now()
        var outcomes = await publisher.publish(publications)
        var attempts = isOpen ? 1 : 0
        var pause = Self.firstPause
        while true {
            let open = outcomes.indices.filter { outcomes[$0].isWorthAnotherAttempt }
            let held = clock.now().timeIntervalSince(start)
            guard !open.isEmpty, attempts < Self.maximumAttempts, held < Self.longestHold.seconds, await waits(pause) else { return outcomes }
            pause = min(pause * 2, Self.longestPause)
            guard isOpen else { continue }
            let again = await publisher.publish(open.map { publications[$0] })
            for (index, outcome) in zip(open, again) { outcomes[index] = outcome }
            if isOpen { attempts += 1 }
        }
    }

    /// Returns false when the process is stopping. That is noticed after the pause, which is short compared to the time that a role has to stop.
    private func waits(_ pause: Duration) async -> Bool {
        guard !Task.isShuttingDownGracefully, (try? await clock.sleep(for: pause)) != nil else { return false }
        return !Task.isShuttingDownGracefully
    }
}

extension PublishOutcome {
    /// It may or may not have arrived, or it certainly has not, for a reason that passes.
    fileprivate var isWorthAnotherAttempt: Bool {
        guard case .failed(let error) = self else { return false }
        return error.isTransient && error.code != .stopped
    }
}
