/// Deliveries received and not yet handed out, the callers waiting for them, and the settlements still to be sent to the broker.
///
/// A decision table without I/O: the consumer holds it in a lock and performs what it returns. `Waiter` is what a suspended
/// caller is resumed with.
struct DeliveryQueue<Waiter> {
    /// A waiter to resume, and its result.
    struct Handover {
        let waiter: Waiter
        let deliveries: [Delivery]
    }

    enum Answer {
        case now([Delivery])
        case suspended
        case stopped
    }

    private var gathered: [Delivery] = []
    private var waiters: [(id: UInt64, limit: Int, waiter: Waiter)] = []
    private var unsettled = UnsettledDeliveries()
    private var outbox: [Settlement] = []
    private var generation: UInt64 = 0
    private(set) var isStopped = false
    let noAck: Bool

    /// Without acknowledgements only this bounds how many gather; past it the connection stops reading.
    static var gatheredBound: Int { 10_000 }

    init(noAck: Bool) {
        self.noAck = noAck
    }

    var isFull: Bool { gathered.count >= Self.gatheredBound }

    // MARK: The broker's side

    mutating func connected(generation: UInt64) {
        self.generation = generation
    }

    /// The broker delivers again what was not acknowledged; what needs no acknowledgement would be lost, and is kept.
    mutating func disconnected() {
        generation = 0
        unsettled = UnsettledDeliveries()
        outbox = []
        if !noAck { gathered = [] }
    }

    /// Adds what has arrived and hands it to the waiting callers, in the order in which they asked.
    mutating func receive(_ deliveries: [Delivery]) -> [Handover] {
        if !noAck {
            for delivery in deliveries { unsettled.add(delivery.tag.number) }
            guard !isStopped else {
                outbox += unsettled.release(deliveries.map(\.tag.number))
                return []
            }
        }
        gathered += deliveries
        return shareOut()
    }

    /// The frames to write, in order.
    mutating func takeOutbox() -> [Settlement] {
        defer { outbox = [] }
        return outbox
    }

    // MARK: The worker's side

    mutating func next(limit: Int, id: UInt64, waiter: Waiter) -> Answer {
        if waiters.isEmpty, !gathered.isEmpty { return .now(take(limit)) }
        if isStopped { return .stopped }
        waiters.append((id, max(1, limit), waiter))
        return .suspended
    }

    /// `nil` when it has been resumed already.
    mutating func cancelWaiter(_ id: UInt64) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return waiters.remove(at: index).waiter
    }

    mutating func acknowledge(_ tags: [DeliveryTag]) {
        outbox += unsettled.acknowledge(numbers(tags))
    }

    mutating func reject(_ tags: [DeliveryTag], requeue: Bool) {
        outbox += unsettled.reject(numbers(tags), requeue: requeue)
    }

    mutating func release(_ tags: [DeliveryTag]) {
        outbox += unsettled.release(numbers(tags))
    }

    /// Returns the waiters that cannot be served. Deliveries that need no acknowledgement can still be fetched; all others are requeued.
    mutating func stop() -> [Waiter] {
        isStopped = true
        if !noAck {
            outbox += unsettled.release(gathered.map(\.tag.number))
            gathered = []
        }
        defer { waiters = [] }
        return waiters.map(\.waiter)
    }

    private func numbers(_ tags: [DeliveryTag]) -> [UInt64] {
        tags.compactMap { $0.generation == generation ? $0.number : nil }
    }

    private mutating func shareOut() -> [Handover] {
        var handovers: [Handover] = []
        while !gathered.isEmpty, !waiters.isEmpty {
            let first = waiters.removeFirst()
            handovers.append(Handover(waiter: first.waiter, deliveries: take(first.limit)))
        }
        return handovers
    }

    private mutating func take(_ limit: Int) -> [Delivery] {
        guard gathered.count > max(1, limit) else {
            defer { gathered = [] }
            return gathered
        }
        defer { gathered.removeFirst(max(1, limit)) }
        return Array(gathered.prefix(max(1, limit)))
    }
}
