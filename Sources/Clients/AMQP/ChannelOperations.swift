import CRabbitMQ

// The AMQP methods that publishers and consumers use, on the connection's one channel.
extension ConnectionHandle {
    // MARK: Publishing

    /// From now on the broker confirms each publication, numbered from 1.
    func selectConfirms() throws(AMQPError) {
        try withChannel { state, _ throws(AMQPError) in
            amqp_confirm_select(state, Self.channel)
            try check("confirm.select")
        }
    }

    /// Writes the messages in order. They share packets as far as they go.
    func publish(_ publications: some Collection<Publication>) throws(AMQPError) {
        try withChannel { state, arena throws(AMQPError) in
            let corked = Cork(state, count: publications.count)
            defer { corked.release() }
            for publication in publications {
                var properties = arena.properties(publication.properties)
                let exchange = arena.bytes(publication.exchange)
                let routingKey = arena.bytes(publication.routingKey)
                let status = publication.body.withUnsafeBytes { body in
                    let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                    return amqp_basic_publish(state, Self.channel, exchange, routingKey, publication.mandatory ? 1 : 0, 0, &properties, bytes)
                }
                arena.recycle()
                try check(status, "basic.publish")
            }
        }
    }

    // MARK: Consuming

    /// Declares a queue that lives as long as this connection. Returns its name, which the broker chooses when `name` is nil.
    func declareExclusiveQueue(named name: String?) throws(AMQPError) -> String {
        try withChannel { state, arena throws(AMQPError) in
            let wanted = name.map { arena.bytes($0) } ?? amqp_bytes_t()
            let answer = amqp_queue_declare(state, Self.channel, wanted, 0, 0, 1, 1, amqp_table_t())
            // Copied before the check, which gives the answer's memory back.
            let name = answer.map { String(repairing: $0.pointee.queue) }
            try check("queue.declare of an exclusive queue")
            guard let name else { throw .connectionLost("the broker named no queue") }
            return name
        }
    }

    func bind(queue: String, exchange: String, routingKey: String) throws(AMQPError) {
        try withChannel { state, arena throws(AMQPError) in
            amqp_queue_bind(
                state, Self.channel, arena.bytes(queue), arena.bytes(exchange), arena.bytes(routingKey), amqp_table_t()
            )
            try check("queue.bind to \(exchange)")
        }
    }

    /// `prefetch` bounds how many deliveries may be unacknowledged; it has no effect with `noAck`. Throws an error with the code `notFound` when there is no
    /// such queue. The queue is not declared passively first, because RabbitMQ 4.3 asks for the right to configure it, with which a service could
    /// declare its queue anew and let it dead-letter to wherever the service may not publish.
    func consume(queue: String, prefetch: UInt16, noAck: Bool) throws(AMQPError) {
        try withChannel { state, arena throws(AMQPError) in
            amqp_basic_qos(state, Self.channel, 0, prefetch, 0)
            try check("basic.qos")
            amqp_basic_consume(
                state, Self.channel, arena.bytes(queue), arena.bytes(Self.consumerTag), 0, noAck ? 1 : 0, 0, amqp_table_t()
            )
            try check("basic.consume of \(queue)")
        }
    }

    /// Deliveries that were on their way still arrive. The broker's answer is not asked for, since waiting for it would hold up the thread.
    func cancelConsumer() throws(AMQPError) {
        try withChannel { state, arena throws(AMQPError) in
            var cancel = amqp_basic_cancel_t(consumer_tag: arena.bytes(Self.consumerTag), nowait: 1)
            try check(amqp_send_method(state, Self.channel, CRABBITMQ_BASIC_CANCEL.rawValue, &cancel), "basic.cancel")
        }
    }

    private static let consumerTag = "wharf"

    func settle(_ settlements: [Settlement]) throws(AMQPError) {
        guard !settlements.isEmpty else { return }
        try withChannel { state, _ throws(AMQPError) in
            let corked = Cork(state, count: settlements.count)
            defer { corked.release() }
            for settlement in settlements {
                try check(write(settlement, state), "settling deliveries")
            }
        }
    }

    private func write(_ settlement: Settlement, _ state: amqp_connection_state_t) -> Int32 {
        switch settlement {
        case .acknowledge(let number, let multiple):
            amqp_basic_ack(state, Self.channel, number, multiple ? 1 : 0)
        case .release(let number, let multiple):
            amqp_basic_nack(state, Self.channel, number, multiple ? 1 : 0, 1)
        case .reject(let number, let requeue):
            amqp_basic_reject(state, Self.channel, number, requeue ? 1 : 0)
        }
    }
}

/// Makes what is written until its release share packets. For a single message librabbitmq sees to that itself.
private struct Cork {
    private let socket: Int32?

    init(_ state: amqp_connection_state_t, count: Int) {
        socket = count > 1 ? amqp_get_sockfd(state) : nil
        if let socket { _ = crabbitmq_set_cork(socket, 1) }
    }

    func release() {
        if let socket { _ = crabbitmq_set_cork(socket, 0) }
    }
}
