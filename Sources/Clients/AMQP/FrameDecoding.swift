import CRabbitMQ

extension MessageAssembly {
    /// What the frame means, if it completes something. The frame's memory may be given back afterwards.
    ///
    /// - Throws: ``AMQPError`` when the broker ends something that this client needs, or breaks the protocol.
    mutating func add(_ frame: amqp_frame_t) throws(AMQPError) -> ConnectionEvent? {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return try add(frame.payload.method)
        case AMQP_FRAME_HEADER:
            let raw: amqp_basic_properties_t = try Self.contents(of: frame.payload.properties.decoded)
            return try header(Properties(raw), bodySize: frame.payload.properties.body_size)
        case AMQP_FRAME_BODY:
            let piece = frame.payload.body_fragment
            return try body(UnsafeRawBufferPointer(start: piece.bytes, count: piece.len))
        default:
            return nil
        }
    }

    private mutating func add(_ method: amqp_method_t) throws(AMQPError) -> ConnectionEvent? {
        switch method.id {
        case CRABBITMQ_BASIC_DELIVER.rawValue:
            try begin(Self.delivery(Self.contents(of: method.decoded)))
            return nil
        case CRABBITMQ_BASIC_RETURN.rawValue:
            try begin(Self.returned(Self.contents(of: method.decoded)))
            return nil
        case CRABBITMQ_BASIC_ACK.rawValue:
            let ack: amqp_basic_ack_t = try Self.contents(of: method.decoded)
            return .confirm(number: ack.delivery_tag, multiple: ack.multiple != 0, accepted: true)
        case CRABBITMQ_BASIC_NACK.rawValue:
            let nack: amqp_basic_nack_t = try Self.contents(of: method.decoded)
            return .confirm(number: nack.delivery_tag, multiple: nack.multiple != 0, accepted: false)
        case CRABBITMQ_CONNECTION_BLOCKED.rawValue:
            return .blocked
        case CRABBITMQ_CONNECTION_UNBLOCKED.rawValue:
            return .unblocked
        case CRABBITMQ_BASIC_CANCEL.rawValue:
            throw AMQPError(.notFound, "the broker cancelled the consumer: its queue was deleted or has moved", isTransient: true)
        case CRABBITMQ_CONNECTION_CLOSE.rawValue, CRABBITMQ_CHANNEL_CLOSE.rawValue:
            throw AMQPError(closing: method) ?? .connectionLost("the broker closed it")
        default:
            return nil
        }
    }

    private static func delivery(_ method: amqp_basic_deliver_t) -> Start {
        .delivery(
            number: method.delivery_tag,
            exchange: String(repairing: method.exchange),
            routingKey: String(repairing: method.routing_key),
            redelivered: method.redelivered != 0
        )
    }

    private static func returned(_ method: amqp_basic_return_t) -> Start {
        .returned(
            code: Int(method.reply_code),
            reason: String(repairing: method.reply_text),
            exchange: String(repairing: method.exchange),
            routingKey: String(repairing: method.routing_key)
        )
    }

    private static func contents<Contents>(of decoded: UnsafeMutableRawPointer?) throws(AMQPError) -> Contents {
        guard let decoded else { throw .connectionLost("the broker sent an empty frame") }
        return decoded.assumingMemoryBound(to: Contents.self).pointee
    }
}
