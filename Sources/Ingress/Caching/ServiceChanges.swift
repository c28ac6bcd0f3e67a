public import AMQP
import Contracts
import JSON
public import Logging
import Messaging
public import ServiceLifecycle

/// Receives events about sessions that have ended and about services that have changed, and makes the caches forget at once.
///
/// An event that is published while there is no connection to the broker is missed; ``SessionCache/lifetime`` and
/// ``IngressConfiguration/answerLifetime`` bound the harm.
public struct ServiceChanges: Service {
    static let messagesAtOnce = 100

    let events: any MessageConsumer
    let sessions: SessionCache
    let answers: AnswerCache
    let logger: Logger

    /// `events` consumes, without acknowledgements, an exclusive queue that is bound to the exchange `events` by `session.revoked` and `product.changed`.
    public init(events: any MessageConsumer, sessions: SessionCache, answers: AnswerCache, logger: Logger) {
        self.events = events
        self.sessions = sessions
        self.answers = answers
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
        guard delivery.routingKey != MessageName.catalogChanged else { return answers.forget(service: "catalog") }
        do {
            sessions.forget(user: try JSON.decode(SessionRevoked.self, from: delivery.body).userID)
        } catch {
            logger.info("a malformed revocation was ignored", metadata: [LogKey.error: "\(error)"])
        }
    }
}
