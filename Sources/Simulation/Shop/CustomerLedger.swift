import FoundationEssentials
import Synchronization

/// What customers were told: it must turn out to be true.
final class CustomerLedger: Sendable {
    struct Entries: Sendable {
        /// Orders that were accepted, with their carts.
        var accepted: [UUID: UUID] = [:]
        /// States that were told as final.
        var settled: [UUID: String] = [:]
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

    func complain(_ what: String) {
        entries.withLock { $0.complaints.append(what) }
    }
}
