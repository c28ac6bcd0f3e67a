import AMQP
import Messaging

/// One process's hold on a queue of the model broker.
struct ModelConsumer: MessageConsumer {
    static let reconnection = 100...3_000
    /// How long an acknowledgement may wait in the process for others, in milliseconds: as long as that of a real consumer.
    static let acknowledgement = 0...100

    let broker: ModelBroker
    let id: Int
    let queue: String
    let process: SimulatedProcess
    let faults: Faults
    let visits: Visits
    /// Acknowledges deliveries as it hands them out, which no worker may do.
    var acknowledgesAtOnce = false

    /// - Parameter exclusiveIn: For a queue of its own: the exchanges that it is bound to, by its name.
    init(
        _ queue: String, exclusiveIn exchanges: [String]? = nil, of broker: ModelBroker, prefetch: Int, noAck: Bool = false, process: SimulatedProcess,
        faults: Faults, visits: Visits
    ) {
        let id = broker.attach(queue: queue, exclusiveIn: exchanges, prefetch: prefetch, noAck: noAck)
        (self.broker, self.id, self.queue, self.process, self.faults, self.visits) = (broker, id, queue, process, faults, visits)
        process.onDeath { broker.detach(id) }
    }

    func next(limit: Int) async throws -> [Delivery] {
        while true {
            await process.pass(.deliver)
            if faults.strikes(.consumerLost) { lose() }
            if let deliveries = broker.take(id, limit: limit) {
                note(deliveries)
                if acknowledgesAtOnce { _ = broker.acknowledge(deliveries.map(\.tag), by: id) }
                return deliveries
            }
            try Task.checkCancellation()
            guard !broker.isStopped(id) else { throw AMQPError(.stopped, "the consumer has been stopped", isTransient: false) }
            await broker.waitForDelivery(id)
            await process.check()
        }
    }

    private func note(_ deliveries: [Delivery]) {
        for delivery in deliveries {
            if delivery.redelivered { visits.note(Moment.redelivered) }
            if case .integer(let attempt)? = delivery.properties.headers["attempt"], attempt > 0 { visits.note(Moment.retryLadder) }
            let message = delivery.properties.messageID?.prefix(8) ?? "-"
            faults.trace.note("\(process.name) ← \(queue) \(delivery.properties.type ?? "-") \(message)\(delivery.redelivered ? " again" : "")")
        }
    }

    func acknowledge(_ tags: [DeliveryTag]) async {
        guard !tags.isEmpty else { return }
        await process.pass(.acknowledge)
        if faults.strikes(.consumerLost) { lose() }
        broker.acknowledge(tags, by: id, within: faults.chance.duration(milliseconds: Self.acknowledgement))
        faults.trace.note("\(process.name) acknowledges \(tags.count)")
        await process.pass(.acknowledged)
    }

    func reject(_ tags: [DeliveryTag], requeue: Bool) async {
        await process.check()
        broker.giveBack(tags, by: id, requeue: requeue)
    }

    func release(_ tags: [DeliveryTag]) async {
        await process.check()
        faults.trace.note("\(process.name) releases \(tags.count)")
        broker.giveBack(tags, by: id, requeue: true)
    }

    func stopConsuming() async {
        await process.check()
        broker.stop(id)
    }

    var replyAddress: String? {
        get async {
            await process.check()
            return broker.queueName(id)
        }
    }

    private func lose() {
        broker.disconnect(id, for: faults.chance.duration(milliseconds: Self.reconnection))
    }
}
