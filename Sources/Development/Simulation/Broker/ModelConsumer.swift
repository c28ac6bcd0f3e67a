import AMQP
import Messaging

/// One process's hold on a queue of the model broker.
struct ModelConsumer: MessageConsumer {
    static let reconnection = 100...3_000

    let broker: ModelBroker
    let id: Int
    let queue: String
    let life: SimulatedProcess
    let faults: Faults
    let visits: Visits
    /// Acknowledges what it hands out, as no worker must.
    var acknowledgesAtOnce = false

    /// - Parameter exclusiveIn: For a queue of its own: the exchanges that it is bound to, by its name.
    init(
        _ queue: String, exclusiveIn exchanges: [String]? = nil, of broker: ModelBroker, prefetch: Int, noAck: Bool = false, life: SimulatedProcess,
        faults: Faults, visits: Visits
    ) {
        let id = broker.attach(queue: queue, exclusiveIn: exchanges, prefetch: prefetch, noAck: noAck)
        (self.broker, self.id, self.queue, self.life, self.faults, self.visits) = (broker, id, queue, life, faults, visits)
        life.onDeath { broker.detach(id) }
    }

    func next(limit: Int) async throws -> [Delivery] {
        while true {
            await life.pass(.deliver)
            if faults.strikes(.consumerLost) { lose() }
            if let deliveries = broker.take(id, limit: limit) {
                note(deliveries)
                if acknowledgesAtOnce { _ = broker.acknowledge(deliveries.map(\.tag), by: id) }
                return deliveries
            }
            try Task.checkCancellation()
            guard !broker.isStopped(id) else { throw AMQPError(.stopped, "the consumer has been stopped", isTransient: false) }
            await broker.waitForDelivery(id)
            await life.check()
        }
    }

    private func note(_ deliveries: [Delivery]) {
        for delivery in deliveries {
            if delivery.redelivered { visits.note(Moment.redelivered) }
            if case .integer(let attempt)? = delivery.properties.headers["attempt"], attempt > 0 { visits.note(Moment.retryLadder) }
            let message = delivery.properties.messageID?.prefix(8) ?? "-"
            faults.trace.note("\(life.name) ← \(queue) \(delivery.properties.type ?? "-") \(message)\(delivery.redelivered ? " again" : "")")
        }
    }

    func acknowledge(_ tags: [DeliveryTag]) async {
        guard !tags.isEmpty else { return }
        await life.pass(.acknowledge)
        if faults.strikes(.consumerLost) { lose() }
        let settled = broker.acknowledge(tags, by: id)
        faults.trace.note("\(life.name) acknowledges \(settled) of \(tags.count)")
        await life.pass(.acknowledged)
    }

    func reject(_ tags: [DeliveryTag], requeue: Bool) async {
        await life.check()
        broker.giveBack(tags, by: id, requeue: requeue)
    }

    func release(_ tags: [DeliveryTag]) async {
        await life.check()
        faults.trace.note("\(life.name) releases \(tags.count)")
        broker.giveBack(tags, by: id, requeue: true)
    }

    func stopConsuming() async {
        await life.check()
        broker.stop(id)
    }

    var replyAddress: String? {
        get async {
            await life.check()
            return broker.queueName(id)
        }
    }

    private func lose() {
        broker.disconnect(id, for: faults.chance.duration(milliseconds: Self.reconnection))
    }
}
