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
    /// Deliveries that had not been handed out before the stop, and those that arrived after it. They are released a few at a time: a RabbitMQ channel sends at most 32 settlements
    /// to a quorum queue until these are on disk, and discards the rest if it closes first. Releasing hundreds one by one could therefore lose the acknowledgements behind them.
    private var untaken: [UInt64] = []
    /// When the next few are released; nil before the first.
    private var nextRelease: ContinuousClock.Instant?
    private var acknowledged: [UInt64] = []
    private var acknowledgedSince: ContinuousClock.Instant?
    private var generation: UInt64 = 0
    private(set) var isStopped = false
    let noAck: Bool
    private let acknowledgedBound: Int

    /// Without acknowledgements only this bounds how many gather; past it the connection stops reading.
    static var gatheredBound: Int { 10_000 }

    /// How long acknowledgements wait for others, so that one frame carries several: a quorum queue writes each frame to its disk. If the process dies meanwhile,
    /// the broker delivers their messages again.
    static var acknowledgementDelay: Duration { .milliseconds(100) }

    /// How many deliveries that were not handed out are released one by one in each ``acknowledgementDelay``: half of what a RabbitMQ channel sends to a quorum queue at a time.
    static var releasesAtOnce: Int { 16 }

    /// - Parameter prefetch: the number of messages that the broker sends ahead. Once a quarter of them are acknowledged, the acknowledgements do not wait any longer.
    init(noAck: Bool, prefetch: Int) {
        self.noAck = noAck
        acknowledgedBound = max(1, prefetch / 4)
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
        (outbox, untaken) = ([], [])
        (acknowledged, acknowledgedSince) = ([], nil)
        if !noAck { gathered = [] }
    }

    /// Adds what has arrived and hands it to the waiting callers, in the order in which they asked.
    mutating func receive(_ deliveries: [Delivery]) -> [Handover] {
        if !noAck {
            for delivery in deliveries { unsettled.add(delivery.tag.number, isRedelivered: delivery.redelivered) }
            guard !isStopped else {
                untaken += deliveries.map(\.tag.number)
                return []
            }
        }
        gathered += deliveries
        return shareOut()
    }

    /// The frames to write now, in order, and the time at which those that still wait are due.
    mutating func takeOutbox(now: ContinuousClock.Instant) -> (settlements: [Settlement], due: ContinuousClock.Instant?) {
        let due = acknowledgedSince.map { $0 + Self.acknowledgementDelay }
        guard !outbox.isEmpty || mustWrite || due.map({ $0 <= now }) == true else { return ([], due) }
        writeAcknowledged()
        releaseUntaken(now)
        defer { outbox = [] }
        return (outbox, untaken.isEmpty ? nil : nextRelease)
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

    /// Returns whether the connection has to take a turn: to write now, or to learn when to write.
    mutating func acknowledge(_ tags: [DeliveryTag], now: ContinuousClock.Instant) -> Bool {
        acknowledged += numbers(tags)
        guard !acknowledged.isEmpty else { return false }
        defer { acknowledgedSince = acknowledgedSince ?? now }
        return acknowledgedSince == nil || mustWrite
    }

    /// A redelivered message may have been handled beside one that kills its worker. If its acknowledgement were lost each time, it would become a dead letter
    /// together with that message.
    private var mustWrite: Bool {
        isStopped || acknowledged.count >= acknowledgedBound || unsettled.includesRedelivered(acknowledged)
    }

    mutating func reject(_ tags: [DeliveryTag], requeue: Bool) {
        writeAcknowledged()
        outbox += unsettled.reject(numbers(tags), requeue: requeue)
    }

    mutating func release(_ tags: [DeliveryTag]) {
        writeAcknowledged()
        outbox += unsettled.release(numbers(tags))
    }

    /// Returns the waiters that cannot be served. Deliveries that need no acknowledgement can still be fetched; all others are requeued.
    mutating func stop() -> [Waiter] {
        isStopped = true
        if !noAck {
            untaken += gathered.map(\.tag.number)
            gathered = []
        }
        defer { waiters = [] }
        return waiters.map(\.waiter)
    }

    /// Releases all of them in one frame if everything before them is settled, and otherwise a few.
    private mutating func releaseUntaken(_ now: ContinuousClock.Instant) {
        guard !untaken.isEmpty else { return }
        guard untaken.count < unsettled.count else {
            outbox += unsettled.release(untaken)
            untaken = []
            return
        }
        if let nextRelease, now < nextRelease { return }
        let some = untaken.prefix(Self.releasesAtOnce)
        outbox += unsettled.release(Array(some))
        untaken.removeFirst(some.count)
        nextRelease = now + Self.acknowledgementDelay
    }

    private mutating func writeAcknowledged() {
        outbox += unsettled.acknowledge(acknowledged)
        (acknowledged, acknowledgedSince) = ([], nil)
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
