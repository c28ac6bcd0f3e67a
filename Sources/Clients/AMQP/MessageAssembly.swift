import CRabbitMQ

/// Puts the frames of a message together: its method, its header, then pieces of its body.
///
/// State + frame → state + event; it copies what it keeps.
struct MessageAssembly {
    /// The contents of the method frame.
    enum Start {
        case delivery(number: UInt64, exchange: String, routingKey: String, redelivered: Bool)
        case returned(code: Int, reason: String, exchange: String, routingKey: String)
    }

    private enum State {
        case idle
        case started(Start)
        case body(Start, Properties, [UInt8], size: UInt64)
    }

    private var state = State.idle
    let generation: UInt64

    /// Space reserved ahead of the body's arrival is at most this: a header may claim any size.
    private static let reservedBytes: UInt64 = 1 << 20

    init(generation: UInt64) {
        self.generation = generation
    }

    mutating func begin(_ start: Start) throws(AMQPError) {
        guard case .idle = state else { throw Self.outOfOrder }
        state = .started(start)
    }

    /// Returns the event when this completes it: a message may have no body.
    mutating func header(_ properties: Properties, bodySize: UInt64) throws(AMQPError) -> ConnectionEvent? {
        guard case .started(let start) = state else { throw Self.outOfOrder }
        guard bodySize > 0 else { return finish(start, properties, []) }
        state = .body(start, properties, [], size: bodySize)
        return nil
    }

    /// Returns the event when this completes it.
    mutating func body(_ piece: UnsafeRawBufferPointer) throws(AMQPError) -> ConnectionEvent? {
        guard case .body(let start, let properties, var body, let size) = state else { throw Self.outOfOrder }
        // So that `body` is the only reference to its bytes and grows in place.
        state = .idle
        if body.isEmpty { body.reserveCapacity(Int(min(size, Self.reservedBytes))) }
        body.append(contentsOf: piece)
        guard UInt64(body.count) <= size else { throw Self.outOfOrder }
        if UInt64(body.count) == size { return finish(start, properties, body) }
        state = .body(start, properties, body, size: size)
        return nil
    }

    private static let outOfOrder = AMQPError.connectionLost("the broker sent a frame out of order")

    private mutating func finish(_ start: Start, _ properties: Properties, _ body: [UInt8]) -> ConnectionEvent {
        state = .idle
        switch start {
        case .delivery(let number, let exchange, let routingKey, let redelivered):
            let tag = DeliveryTag(generation: generation, number: number)
            return .delivery(
                Delivery(
                    tag: tag, exchange: exchange, routingKey: routingKey, redelivered: redelivered, properties: properties, body: body
                ))
        case .returned(let code, let reason, let exchange, let routingKey):
            return .returned(
                ReturnedMessage(
                    code: code, reason: reason, exchange: exchange, routingKey: routingKey, properties: properties, body: body
                ))
        }
    }
}
