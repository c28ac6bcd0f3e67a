/// A message on its way to an exchange.
public struct Publication: Hashable, Sendable {
    /// Empty for the default exchange, which routes to the queue that the routing key names.
    public var exchange: String
    public var routingKey: String
    public var properties: Properties
    /// At most ``maximumBodyBytes``.
    public var body: [UInt8]
    /// Whether the broker hands the message back when no queue takes it.
    public var mandatory: Bool

    /// 16 MiB, the broker's own default from RabbitMQ 4.0 on.
    public static let maximumBodyBytes = 16 * 1024 * 1024

    public init(exchange: String, routingKey: String, properties: Properties = Properties(), body: [UInt8], mandatory: Bool = true) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.body = body
        self.mandatory = mandatory
    }
}

/// The outcome of a publication.
public enum PublishOutcome: Equatable, Sendable {
    /// The broker has taken responsibility for the message; without confirms: it was written to the connection.
    case confirmed
    /// No queue takes this exchange and routing key. `code` is AMQP's, 312 for "no route".
    case returned(code: Int, reason: String)
    /// The broker took no responsibility: a full queue that rejects publications, or an internal error.
    case refused
    /// Not sent, or sent with an unknown outcome; ``AMQPError/code`` says which:
    /// `connectionLost`, `closedByBroker` and `deadlineExceeded` may have reached the broker, all others did not.
    case failed(AMQPError)
}
