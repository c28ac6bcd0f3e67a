import FoundationEssentials
import Synchronization

/// What the shop's answers claimed to customers: it must turn out to be true.
final class CustomerLedger: Sendable {
    struct Entries: Sendable {
        /// Orders that were accepted, with their carts.
        var accepted: [UUID: UUID] = [:]
        /// States that were reported as final.
        var settled: [UUID: String] = [:]
        /// Deliveries that were reported to a clerk as booked, by their reasons.
        var booked: Set<String> = []
        /// Orders with an accepted cancellation, shipment and delivery.
        var cancelled: Set<UUID> = []
        var shipped: Set<UUID> = []
        var delivered: Set<UUID> = []
        var complaints: [String] = []
    }

    private let entries = Mutex(Entries())

    var all: Entries { entries.withLock { $0 } }

    func accepted(order: UUID, cart: UUID) {
        entries.withLock { $0.accepted[order] = cart }
    }

    func settled(order: UUID, as state: String) {
        entries.withLock { $0.settled[order] = state }
    }

    func booked(_ reason: String) {
        entries.withLock { _ = $0.booked.insert(reason) }
    }

    func cancelled(order: UUID) {
        entries.withLock { _ = $0.cancelled.insert(order) }
    }

    func shipped(order: UUID) {
        entries.withLock { _ = $0.shipped.insert(order) }
    }

    func delivered(order: UUID) {
        entries.withLock { _ = $0.delivered.insert(order) }
    }

    func complain(_ what: String) {
        entries.withLock { $0.complaints.append(what) }
    }
}
