import AMQP
import Messaging
import Synchronization
import Topology

/// RabbitMQ, as far as Wharf relies on it, in memory and in virtual time: exchanges, bindings, queue types and policies are those of a definitions file.
///
/// It keeps what the real one promises and no more. Two publications that are under way at once may arrive in either order, and when a connection is lost
/// the messages on it may or may not have arrived.
final class ModelBroker: Sendable {
    typealias Waiter = CheckedContinuation<Void, Never>

    private struct State {
        var broker: BrokerState
        /// Consumers that wait for a delivery, or for any event that ends the wait.
        var waiters: [Int: [Waiter]] = [:]
        var lastConsumer = 0
        /// Until when connections are refused, in microseconds of virtual time.
        var downUntil: Int64 = 0
        var exclusives: [Int: [String]] = [:]
        /// Consumers whose process has ended.
        var gone: Set<Int> = []
    }

    private let state: Mutex<State>
    private let chance: Chance
    let clock: SimulatedClock

    init(_ definitions: Definitions, clock: SimulatedClock, chance: Chance) throws {
        state = Mutex(State(broker: try BrokerState(definitions)))
        self.clock = clock
        self.chance = chance
    }

    /// Changes the state, then hands out new deliveries and schedules expiries.
    private func change<Result>(_ body: (inout State) -> sending Result) -> sending Result {
        let (result, woken, expiries) = state.withLock { state in
            let result = body(&state)
            var woken: [Waiter] = []
            while let name = state.broker.touched.min() {
                state.broker.touched.remove(name)
                for id in state.broker.deliver(from: name, choose: { chance.below($0) }) {
                    woken += state.waiters.removeValue(forKey: id) ?? []
                }
            }
            let expiries = state.broker.expiries
            state.broker.expiries = []
            return (result, woken, expiries)
        }
        for waiter in woken { waiter.resume() }
        for (queue, delay) in expiries {
            clock.schedule(after: delay) { [self] in
                change { $0.broker.expire(queue, at: self.clock.elapsed) }
            }
        }
        return result
    }

    // MARK: What a publisher needs

    func accept(_ publication: Publication) -> PublishOutcome {
        let now = clock.elapsed
        return change { $0.broker.accept(publication, at: now) }
    }

    /// Virtual time until connections are accepted again.
    var outage: Duration {
        let until = state.withLock { $0.downUntil }
        return .microseconds(max(0, until - clock.elapsed))
    }

    // MARK: What a consumer needs

    /// - Parameter exclusiveIn: For a queue of the consumer's own: the exchanges that it is bound to, by its name.
    func attach(queue: String, exclusiveIn exchanges: [String]? = nil, prefetch: Int, noAck: Bool) -> Int {
        let id = change { state in
            state.lastConsumer += 1
            let id = state.lastConsumer
            state.broker.consumers[id] = .init(queue: queue, prefetch: prefetch, noAck: noAck)
            if let exchanges { state.exclusives[id] = exchanges }
            return id
        }
        let outage = outage
        if outage == .zero { reconnect(id) } else { clock.schedule(after: outage) { [self] in reconnect(id) } }
        return id
    }

    /// At most `limit` of the gathered deliveries; nil when there are none.
    func take(_ id: Int, limit: Int) -> [Delivery]? {
        state.withLock { state in
            guard let gathered = state.broker.consumers[id]?.gathered, !gathered.isEmpty else { return nil }
            let taken = Array(gathered.prefix(limit))
            state.broker.consumers[id]?.gathered.removeFirst(taken.count)
            return taken
        }
    }

    func waitForDelivery(_ id: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = state.withLock { state in
                    let consumer = state.broker.consumers[id]
                    if Task.isCancelled || consumer?.gathered.isEmpty == false || consumer?.isStopped != false { return true }
                    state.waiters[id, default: []].append(waiter)
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            wake(id)
        }
    }

    private func wake(_ id: Int) {
        for waiter in state.withLock({ $0.waiters.removeValue(forKey: id) ?? [] }) { waiter.resume() }
    }

    func isStopped(_ id: Int) -> Bool {
        state.withLock { $0.broker.consumers[id]?.isStopped ?? true }
    }

    func queueName(_ id: Int) -> String? {
        state.withLock { state in
            guard let consumer = state.broker.consumers[id], consumer.generation != 0, state.exclusives[id] != nil else { return nil }
            return consumer.queue
        }
    }

    func acknowledge(_ tags: [DeliveryTag], by id: Int) -> Int {
        change { $0.broker.acknowledge(tags, by: id) }
    }

    /// The acknowledgements reach the broker after `delay`, once they are a quarter of the prefetch, or before anything else that the consumer does. If the
    /// connection is lost before, they do not.
    func acknowledge(_ tags: [DeliveryTag], by id: Int, within delay: Duration) {
        let isDue = state.withLock { state in
            guard var consumer = state.broker.consumers[id] else { return true }
            consumer.acknowledged += tags
            state.broker.consumers[id] = consumer
            return consumer.isStopped || consumer.acknowledged.count >= consumer.prefetch / 4
        }
        if isDue { return writeAcknowledged(by: id) }
        clock.schedule(after: delay) { [self] in writeAcknowledged(by: id) }
    }

    private func writeAcknowledged(by id: Int) {
        let tags = state.withLock { state in
            defer { state.broker.consumers[id]?.acknowledged = [] }
            return state.broker.consumers[id]?.acknowledged ?? []
        }
        _ = acknowledge(tags, by: id)
    }

    func giveBack(_ tags: [DeliveryTag], by id: Int, requeue: Bool) {
        let now = clock.elapsed
        writeAcknowledged(by: id)
        change { $0.broker.giveBack(tags, by: id, requeue: requeue, at: now) }
    }

    func stop(_ id: Int) {
        let now = clock.elapsed
        writeAcknowledged(by: id)
        change { state in
            guard let consumer = state.broker.consumers[id] else { return }
            let tags = consumer.gathered.map(\.tag)
            state.broker.consumers[id]?.isStopped = true
            state.broker.consumers[id]?.gathered = []
            state.broker.giveBack(tags, by: id, requeue: true, at: now)
        }
        wake(id)
    }

    // MARK: Faults

    /// The connection is lost, and reopened after `pause`.
    func disconnect(_ id: Int, for pause: Duration) {
        let now = clock.elapsed
        change { $0.broker.disconnect(id, at: now) }
        clock.schedule(after: pause) { [self] in reconnect(id) }
    }

    /// The consumer's process has ended.
    func detach(_ id: Int) {
        let now = clock.elapsed
        change { state in
            state.broker.disconnect(id, at: now)
            state.gone.insert(id)
        }
    }

    private func reconnect(_ id: Int) {
        change { state in
            guard !state.gone.contains(id), state.downUntil <= self.clock.elapsed else { return }
            state.broker.connect(id, exclusiveIn: state.exclusives[id])
        }
    }

    /// A restart: all connections are lost, and so are messages that are not persistent.
    func restart(takes time: Duration) {
        let now = clock.elapsed
        let ids = change { state in
            state.downUntil = now + time.microseconds
            let ids = state.broker.consumers.keys.sorted()
            for id in ids { state.broker.disconnect(id, at: now) }
            state.broker.forgetTransient()
            return ids
        }
        clock.schedule(after: time) { [self] in
            for id in ids { reconnect(id) }
        }
    }

    /// Whether the queue accepts nothing, as if it were full.
    func setRefusing(_ queue: String, _ refuses: Bool) {
        state.withLock { $0.broker.setRefusing(queue, refuses) }
    }

    // MARK: Inspection

    /// Messages in each queue that holds any, delivered ones included.
    var backlog: [String: Int] {
        state.withLock { state in
            var counts = state.broker.queues.mapValues(\.messages.count)
            for consumer in state.broker.consumers.values { counts[consumer.queue, default: 0] += consumer.unacknowledged.count }
            return counts.filter { $0.value > 0 }
        }
    }

    func queues(for exchange: String, _ routingKey: String) -> [String] {
        state.withLock { $0.broker.route(exchange, routingKey) }
    }

    func messages(in queue: String) -> [Publication] {
        state.withLock { $0.broker.queues[queue]?.messages.map(\.publication) ?? [] }
    }
}
