public import AMQP
import Contracts
public import Logging
import JSON
import Messaging
public import ServiceLifecycle

/// Receives events about ended sessions and makes the cache forget them at once.
///
/// Events published while there is no connection to the broker are missed; ``SessionCache/lifetime`` bounds the harm.
public struct SessionRevocations: Service {
    static let messagesAtOnce = 100

    let events: any MessageConsumer
    let cache: SessionCache
    let logger: Logger

    /// `events` consumes, without acknowledgements, an exclusive queue that is bound to the exchange `events` by `session.revoked`.
    public init(events: any MessageConsumer, cache: SessionCache, logger: Logger) {
        self.events = events
        self.cache = cache
        self.logger = logger
    }

    /// Returns when it is shut down or cancelled.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while let deliveries = try? await events.next(limit: Self.messagesAtOnce) {
                    for delivery in deliveries { forget(delivery) }
                }
            }
            group.addTask {
                try? await gracefulShutdown()
                await events.stopConsuming()
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func forget(_ delivery: Delivery) {
        do {
            cache.forget(user: try JSON.decode(SessionRevoked.self, from: delivery.body).userID)
        } catch {
            logger.info("a malformed revocation was ignored", metadata: [LogKey.error: "\(error)"])
        }
    }
}
