import AMQP
import FoundationEssentials
import Runtime
import ServiceLifecycle

/// Publishes what follows from a message that is still unacknowledged, and holds on to both while the broker takes nothing.
///
/// A delivery that is given back counts towards its queue's delivery limit. Given back each time that a publication fails, every message of a service would
/// become a dead letter during a memory alarm of some minutes, although nothing is wrong with any of them.
struct RetryingPublisher: Sendable {
    /// RabbitMQ closes a channel whose deliveries are unacknowledged for longer than `consumer_timeout`, 30 minutes by default, and counts that as a delivery
    /// as well.
    static let longestHold: Duration = .seconds(20 * 60)
    /// How often the same is published to a broker that takes publications, and does not confirm it.
    static let maximumAttempts = 3
    static let firstPause: Duration = .milliseconds(200)
    static let longestPause: Duration = .seconds(5)

    let publisher: any MessagePublisher
    let clock: any WallClock

    /// Whether the broker takes publications at the moment, as far as is known.
    var isOpen: Bool { publisher.isConnected && !publisher.isBlocked }

    /// The outcome of each publication, in their order. One that `failed` was not confirmed by a broker that takes publications, or was held for as long as
    /// that is possible, or the process is to stop.
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

    /// False when the process is to stop. That is noticed after the pause, which is short beside the time that a role has to stop.
    private func waits(_ pause: Duration) async -> Bool {
        guard !Task.isShuttingDownGracefully, (try? await clock.sleep(for: pause)) != nil else { return false }
        return !Task.isShuttingDownGracefully
    }
}

extension PublishOutcome {
    /// Nobody knows whether it arrived, or it certainly did not, for a reason that passes.
    fileprivate var isWorthAnotherAttempt: Bool {
        guard case .failed(let error) = self else { return false }
        return error.isTransient && error.code != .stopped
    }
}
