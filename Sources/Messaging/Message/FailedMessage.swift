import AMQP

/// A message that was set aside, in the form in which it is retried: with its own id, so that it counts once however often it is replayed, and without
/// its failure history, its deadline and its requester. It is marked as a replay, so its handler can distinguish it from a redelivery of the failed message.
public struct FailedMessage: Sendable, Equatable {
    /// Nil, as is `operation`, for a message that never was one of Wharf's.
    public let messageID: String?
    public let operation: String?
    /// As received, so that a bundle stays a bundle; nil means JSON.
    public let contentType: String?
    /// The text headers that it arrived with, without those of the failure history.
    public let headers: [String: String]
    public let body: [UInt8]

    /// The body of a message that held credentials, which are never stored: such a message can be inspected but not replayed.
    public static let redactedBody = Array(#"{"redacted":"held credentials"}"#.utf8)

    public init(messageID: String?, operation: String?, contentType: String? = nil, headers: [String: String], body: [UInt8]) {
        self.messageID = messageID
        self.operation = operation
        self.contentType = contentType
        self.headers = headers.filter { !HeaderName.ofFailures.contains($0.key) && !$0.key.hasPrefix("x-") }
        self.body = body
    }

    func publication(to queue: String) -> Publication {
        var properties = Properties()
        properties.messageID = messageID
        properties.type = operation
        properties.contentType = contentType ?? "application/json"
        properties.persistent = true
        properties.headers = headers.mapValues { .string($0) }
        properties.headers[HeaderName.replay] = .boolean(true)
        return Publication(exchange: Exchange.queues, routingKey: queue, properties: properties, body: body)
    }
}
