import FoundationEssentials

/// The second replies that first ones have announced. One may arrive before its requester asks for it.
struct SecondReplies {
    private enum Arrival {
        /// Neither the reply nor its requester is here.
        case expected
        case here(Reply)
        case awaited(CheckedContinuation<Reply?, Never>)
    }

    private struct Entry {
        let until: Date
        /// The reply queue that it is sent to; lost with its connection.
        let address: String
        var arrival = Arrival.expected
    }

    private var entries: [String: Entry] = [:]

    var count: Int { entries.count }

    mutating func expect(_ id: String, until: Date, at address: String) {
        entries[id] = Entry(until: until, address: address)
    }

    /// Returns the requester that waits for it, if it is expected and there is one.
    mutating func arrive(_ reply: Reply, for id: String) -> CheckedContinuation<Reply?, Never>? {
        guard case .awaited(let waiting)? = entries[id]?.arrival else {
            entries[id]?.arrival = .here(reply)
            return nil
        }
        entries[id] = nil
        return waiting
    }

    /// Returns true when the continuation waits from now on; otherwise there is nothing to wait for, and `here` is the reply, if it has arrived.
    mutating func wait(for id: String, _ continuation: CheckedContinuation<Reply?, Never>) -> (waits: Bool, here: Reply?) {
        switch entries[id]?.arrival {
        case .expected:
            entries[id]?.arrival = .awaited(continuation)
            return (true, nil)
        case .here(let reply):
            entries[id] = nil
            return (false, reply)
        case .awaited, nil: return (false, nil)
        }
    }

    /// Forgets it; returns the requester that waits for it.
    mutating func giveUp(_ id: String) -> CheckedContinuation<Reply?, Never>? {
        guard case .awaited(let waiting)? = entries.removeValue(forKey: id)?.arrival else { return nil }
        return waiting
    }

    /// The ids of replies that will not arrive any more.
    func overdue(at now: Date, address: String?) -> [String] {
        entries.filter { $0.value.until < now || $0.value.address != address }.map(\.key)
    }

    var ids: [String] { Array(entries.keys) }
}
