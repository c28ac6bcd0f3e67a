/// Which connections are lent and which callers are waiting. Decides and remembers; connecting, closing and resuming are the pool's.
///
/// A place is the right to hold one connection: those at rest, those lent, and those being made add up to at most `size`.
struct PoolState<Connection, Waiter> {
    enum Acquisition {
        case connection(Connection)
        /// A place is free: the caller connects by itself, and gives the place back if it fails.
        case place
        case mustWait
        case isFull
        case isClosed
    }

    /// What to do with a connection or a place that was returned.
    enum Handover {
        case give(Waiter)
        case rest
        case drop
    }

    struct Entry {
        let id: Int
        let waiter: Waiter
        let deadline: ContinuousClock.Instant
    }

    let size: Int
    let maximumWaiters: Int
    private(set) var atRest: [Connection] = []
    private(set) var placesTaken = 0
    /// In the order of their deadlines, because all wait equally long.
    private(set) var waiters: [Entry] = []
    private(set) var isClosed = false

    init(size: Int, maximumWaiters: Int) {
        self.size = size
        self.maximumWaiters = maximumWaiters
    }

    var nextDeadline: ContinuousClock.Instant? { waiters.first?.deadline }
    var isUnused: Bool { placesTaken == 0 }

    /// `isUsable` is false for a connection that was lost while at rest.
    mutating func acquire(isUsable: (Connection) -> Bool) -> Acquisition {
        guard !isClosed else { return .isClosed }
        // The one used last: its statements are warm, and those not needed stay at rest.
        while let connection = atRest.popLast() {
            guard isUsable(connection) else { continue }
            placesTaken += 1
            return .connection(connection)
        }
        guard placesTaken >= size else {
            placesTaken += 1
            return .place
        }
        return waiters.count < maximumWaiters ? .mustWait : .isFull
    }

    mutating func wait(_ entry: Entry) {
        waiters.append(entry)
    }

    mutating func giveBack(_ connection: Connection) -> Handover {
        if isClosed {
            placesTaken -= 1
            return .drop
        }
        if !waiters.isEmpty { return .give(waiters.removeFirst().waiter) }
        placesTaken -= 1
        atRest.append(connection)
        return .rest
    }

    /// The connection is gone, or was never made.
    mutating func giveBackPlace() -> Handover {
        if !isClosed, !waiters.isEmpty { return .give(waiters.removeFirst().waiter) }
        placesTaken -= 1
        return .drop
    }

    /// The idle connections are no longer usable. Returns them to be closed.
    mutating func dismissAtRest() -> [Connection] {
        defer { atRest = [] }
        return atRest
    }

    mutating func remove(_ id: Int) -> Waiter? {
        waiters.firstIndex { $0.id == id }.map { waiters.remove(at: $0).waiter }
    }

    mutating func takeOverdue(at now: ContinuousClock.Instant) -> [Waiter] {
        let overdue = waiters.prefix { $0.deadline <= now }
        waiters.removeFirst(overdue.count)
        return overdue.map(\.waiter)
    }

    /// Nothing is lent from now on. Returns the connections to close and the waiters to resume.
    mutating func close() -> (connections: [Connection], waiters: [Waiter]) {
        isClosed = true
        defer {
            atRest = []
            waiters = []
        }
        return (atRest, waiters.map(\.waiter))
    }
}
