/// Deliveries by the time that they are due: a bounded binary heap.
struct DeliveryQueue: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Some 2 KB each.
    static let maximumQueued = 200_000

    private struct Entry {
        let due: Instant
        /// Breaks ties, so that the first in is the first out.
        let number: Int
        let delivery: WebhookDelivery

        func goesBefore(_ other: Entry) -> Bool { (due, number) < (other.due, other.number) }
    }

    private var heap: [Entry] = []
    private var nextNumber = 0

    var count: Int { heap.count }
    var nextDue: Instant? { heap.first?.due }

    /// false when the queue is full.
    mutating func add(_ delivery: WebhookDelivery, due: Instant) -> Bool {
        guard heap.count < Self.maximumQueued else { return false }
        heap.append(Entry(due: due, number: nextNumber, delivery: delivery))
        nextNumber += 1
        var child = heap.count - 1
        while child > 0, heap[child].goesBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        return true
    }

    /// Removes up to `limit` deliveries that are due at `now`, the longest due first.
    mutating func takeDue(at now: Instant, limit: Int) -> [WebhookDelivery] {
        var taken: [WebhookDelivery] = []
        while taken.count < limit, let first = heap.first, first.due <= now {
            taken.append(first.delivery)
            removeFirst()
        }
        return taken
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].goesBefore(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
