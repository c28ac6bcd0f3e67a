/// Names a delivery for its acknowledgement. Opaque, and valid only on the connection that delivered it.
public struct DeliveryTag: Hashable, Sendable {
    /// Which connection it came over; no two connections of a process have the same.
    package let generation: UInt64
    package let number: UInt64

    /// For transports. `generation` identifies the connection, `number` the delivery on it.
    public init(generation: UInt64, number: UInt64) {
        self.generation = generation
        self.number = number
    }
}

/// A message that a queue handed to a consumer.
public struct Delivery: Hashable, Sendable {
    public let tag: DeliveryTag
    public let exchange: String
    public let routingKey: String
    /// Whether the broker delivered it before: its handling may have been done in part or in full.
    public let redelivered: Bool
    public let properties: Properties
    public let body: [UInt8]

    public init(tag: DeliveryTag, exchange: String, routingKey: String, redelivered: Bool, properties: Properties, body: [UInt8]) {
        self.tag = tag
        self.exchange = exchange
        self.routingKey = routingKey
        self.redelivered = redelivered
        self.properties = properties
        self.body = body
    }
}

/// A message that came back to a publisher without confirms because no queue takes it.
public struct ReturnedMessage: Hashable, Sendable {
    /// AMQP's reply code, 312 for "no route".
    public let code: Int
    public let reason: String
    public let exchange: String
    public let routingKey: String
    public let properties: Properties
    public let body: [UInt8]
}
