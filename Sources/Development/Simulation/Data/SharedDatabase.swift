import PostgreSQL
import Synchronization

/// A service's database as all of its workers share it: a few connections, whose transactions overlap. Callers wait in virtual time, for a free connection and
/// for each other's locks.
final class SharedDatabase: Sendable {
    typealias Ticket = UInt64

    /// How many transactions of one service can be open at once. More would run into the locks of these.
    static let connections = 4

    private struct Lease {
        let session: DatabaseSession
        let process: ObjectIdentifier
        /// The server has begun a transaction.
        var isOpen = false
    }

    private struct State {
        var last: Ticket = 0
        var made = 0
        var atRest: [DatabaseSession] = []
        var leases: [Ticket: Lease] = [:]
        var waiters: [(ticket: Ticket, process: ObjectIdentifier, waiter: CheckedContinuation<Void, Never>)] = []
        /// In microseconds of virtual time.
        var awayUntil: Int64 = 0
    }

    let interleaving: Interleaving
    private let connect: @Sendable () throws -> DatabaseSession
    private let state = Mutex(State())

    /// - Parameter connect: opens a connection.
    init(interleaving: Interleaving, connect: @escaping @Sendable () throws -> DatabaseSession) {
        self.interleaving = interleaving
        self.connect = connect
    }

    func setAway(until: Int64) {
        state.withLock { $0.awayUntil = until }
    }

    func isAway(at now: Int64) -> Bool {
        state.withLock { $0.awayUntil > now }
    }

    // MARK: Connections

    /// A connection for this process, when there is a free one.
    func take(for process: SimulatedProcess) async throws -> Ticket {
        let process = ObjectIdentifier(process)
        let (ticket, mustConnect) = state.withLock { state in
            state.last += 1
            let mustConnect = state.atRest.isEmpty && state.made < Self.connections
            if mustConnect { state.made += 1 }
            return (state.last, mustConnect)
        }
        if mustConnect {
            let session = try connect()
            state.withLock { $0.leases[ticket] = Lease(session: session, process: process) }
            return ticket
        }
        await withCheckedContinuation { waiter in
            let isFree = state.withLock { state in
                guard let session = state.atRest.popLast() else {
                    state.waiters.append((ticket, process, waiter))
                    return false
                }
                state.leases[ticket] = Lease(session: session, process: process)
                return true
            }
            if isFree { waiter.resume() }
        }
        return ticket
    }

    /// Returns the connection, rolling back an open transaction. Does nothing when it was returned before.
    func leave(_ ticket: Ticket) {
        guard let lease = state.withLock({ $0.leases.removeValue(forKey: ticket) }) else { return }
        try? interleaving.breakOff(lease.session)
        if lease.isOpen { try? interleaving.end(lease.session, by: "ROLLBACK") }
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiters.isEmpty else {
                state.atRest.append(lease.session)
                return nil
            }
            let next = state.waiters.removeFirst()
            state.leases[next.ticket] = Lease(session: lease.session, process: next.process)
            return next.waiter
        }
        next?.resume()
    }

    /// Ends the connections of a process that has died.
    func abandon(_ process: SimulatedProcess) {
        let tickets = state.withLock { state in
            state.leases.filter { $0.value.process == ObjectIdentifier(process) }.keys.sorted()
        }
        for ticket in tickets { leave(ticket) }
    }

    /// Ends all of them.
    func end() {
        let sessions = state.withLock { $0.atRest + $0.leases.values.map(\.session) }
        for session in sessions { session.end() }
    }

    // MARK: Transactions

    /// Runs `body` on the connection, in a transaction if one is requested, which begins with its first statement.
    func run<Result: Sendable>(
        _ ticket: Ticket, inTransaction: Bool, waiting: () -> Void, _ body: @escaping @Sendable (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let (session, begins) = state.withLock { state -> (DatabaseSession?, Bool) in
            guard let lease = state.leases[ticket] else { return (nil, false) }
            let begins = inTransaction && !lease.isOpen
            if begins { state.leases[ticket]?.isOpen = true }
            return (lease.session, begins)
        }
        guard let session else { throw PostgresError(.connection, "the connection has ended") }
        return try await interleaving.run(on: session, waiting: waiting) { connection in
            if begins { try await connection.execute("BEGIN") }
            return try await body(connection)
        }
    }

    /// COMMIT; false when no transaction had begun.
    func commit(_ ticket: Ticket) throws -> Bool {
        let session = state.withLock { state -> DatabaseSession? in
            guard let lease = state.leases[ticket], lease.isOpen else { return nil }
            state.leases[ticket]?.isOpen = false
            return lease.session
        }
        guard let session else { return false }
        try interleaving.end(session, by: "COMMIT")
        return true
    }
}
