public import AMQP
public import Logging
public import Secrets

/// How messages with credentials are sealed: their queues are replicated, and are therefore written to the brokers' disks.
enum Sealing {
    static let algorithm = "aes-256-gcm"

    /// A message sealed for one operation cannot be opened as another.
    static func context(_ routingKey: String) -> [UInt8] { Array(routingKey.utf8) }
}

/// Publishes, and first seals the bodies of some operations.
public struct SealingPublisher: MessagePublisher {
    private let publisher: any MessagePublisher
    private let operations: Set<String>
    private let key: @Sendable () -> SealingKey?

    /// - Parameters:
    ///   - operations: those whose bodies contain credentials. Without a key they are not sent.
    ///   - key: the receiver's; nil while it is unknown.
    public init(_ publisher: any MessagePublisher, sealing operations: Set<String>, key: @escaping @Sendable () -> SealingKey?) {
        self.publisher = publisher
        self.operations = operations
        self.key = key
    }

    public var isBlocked: Bool { publisher.isBlocked }
    public var isConnected: Bool { publisher.isConnected }

    public func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome] {
        var sendable: [Publication] = []
        var rejections: [Int: AMQPError] = [:]
        for (index, publication) in publications.enumerated() {
            do throws(AMQPError) {
                sendable.append(operations.contains(publication.routingKey) ? try sealed(publication) : publication)
            } catch {
                rejections[index] = error
            }
        }
        var outcomes = await publisher.publish(sendable, deadline: deadline)[...]
        return publications.indices.map { index in
            rejections[index].map(PublishOutcome.failed) ?? outcomes.popFirst() ?? .failed(Self.noOutcome)
        }
    }

    private func sealed(_ publication: Publication) throws(AMQPError) -> Publication {
        guard let key = key() else { throw Self.noKey }
        var publication = publication
        do throws(SecretsError) {
            publication.body = try key.seal(publication.body, context: Sealing.context(publication.routingKey))
        } catch {
            throw AMQPError(.resources, error.message, isTransient: true)
        }
        publication.properties.headers[HeaderName.sealed] = .string(Sealing.algorithm)
        return publication
    }

    private static let noKey = AMQPError(.notConnected, "users has not sent the key for credentials yet", isTransient: true)
    private static let noOutcome = AMQPError(.connectionLost, "the publisher reported no outcome", isTransient: true)
}

/// Consumes, and opens sealed messages. Plaintext messages pass unchanged: an older ingress sends them.
public struct OpeningConsumer: MessageConsumer {
    private let consumer: any MessageConsumer
    private let keys: @Sendable () -> [SealingKey]
    private let logger: Logger

    /// - Parameter keys: those that senders may have used.
    public init(_ consumer: any MessageConsumer, keys: @escaping @Sendable () -> [SealingKey], logger: Logger) {
        self.consumer = consumer
        self.keys = keys
        self.logger = logger
    }

    /// Drops messages that cannot be opened, with a line in the log: they cannot be handled, they must not be stored, and their requesters time out.
    public func next(limit: Int) async throws -> [Delivery] {
        while true {
            let deliveries = try await consumer.next(limit: limit)
            let keys = keys()
            let opened = deliveries.compactMap { open($0, with: keys) }
            if opened.count < deliveries.count {
                let handled = Set(opened.map(\.tag))
                let closed = deliveries.map(\.tag).filter { !handled.contains($0) }
                logger.error(
                    "dropped messages that were sealed with another key: the broker's password of users differs between workers",
                    metadata: ["count": "\(closed.count)"])
                await consumer.acknowledge(closed)
            }
            if !opened.isEmpty { return opened }
        }
    }

    private func open(_ delivery: Delivery, with keys: [SealingKey]) -> Delivery? {
        var properties = delivery.properties
        guard properties.headers.removeValue(forKey: HeaderName.sealed) != nil else { return delivery }
        let context = Sealing.context(delivery.routingKey)
        guard let body = keys.lazy.compactMap({ $0.open(delivery.body, context: context) }).first else { return nil }
        return Delivery(
            tag: delivery.tag, exchange: delivery.exchange, routingKey: delivery.routingKey, redelivered: delivery.redelivered, properties: properties,
            body: body)
    }

    public func acknowledge(_ tags: [DeliveryTag]) async { await consumer.acknowledge(tags) }
    public func reject(_ tags: [DeliveryTag], requeue: Bool) async { await consumer.reject(tags, requeue: requeue) }
    public func release(_ tags: [DeliveryTag]) async { await consumer.release(tags) }
    public func stopConsuming() async { await consumer.stopConsuming() }

    public var replyAddress: String? {
        get async { await consumer.replyAddress }
    }
}
