import Glibc

/// The arguments of poll(2), kept between calls to spare the allocations.
struct PollSet {
    private var entries: [pollfd] = []
    private var handlers: [ObjectIdentifier] = []
    /// The earliest deadline of the handlers.
    private(set) var deadline: ContinuousClock.Instant?

    mutating func clear(wakeUp: Int32) {
        entries.removeAll(keepingCapacity: true)
        handlers.removeAll(keepingCapacity: true)
        deadline = nil
        entries.append(pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0))
    }

    mutating func add(_ handler: ObjectIdentifier, _ interest: IOInterest) {
        let events = (interest.toRead ? POLLIN : 0) | (interest.toWrite ? POLLOUT : 0)
        entries.append(pollfd(fd: interest.socket, events: Int16(events), revents: 0))
        handlers.append(handler)
        if let due = interest.deadline { deadline = min(deadline ?? due, due) }
    }

    mutating func wait(atMost limit: Duration?) {
        let limit = limit ?? deadline.map { $0 - .now }
        if poll(&entries, nfds_t(entries.count), limit?.pollTimeout ?? -1) < 0 {
            for index in entries.indices { entries[index].revents = 0 }
        }
    }

    func isReady(_ descriptor: Int32) -> Bool {
        entries.first.map { $0.fd == descriptor && $0.revents != 0 } ?? false
    }

    var readyHandlers: [ObjectIdentifier] {
        zip(handlers, entries.dropFirst()).compactMap { handler, entry in entry.revents != 0 ? handler : nil }
    }
}

extension Duration {
    /// Milliseconds for poll(2), rounded up so that the deadline has passed when the wait ends.
    package var pollTimeout: Int32 {
        let (seconds, attoseconds) = components
        let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: max(0, milliseconds))
    }
}
