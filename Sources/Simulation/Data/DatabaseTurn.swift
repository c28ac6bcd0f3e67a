import PostgreSQL
import Synchronization

/// A service's database as all of its workers share it: one transaction at a time, others wait for their turn in virtual time.
///
/// Real transactions wait for each other's locks; here that wait would hold up the only thread there is. So the simulation does not try what two
/// transactions do to each other while both are open: tests against PostgreSQL with many connections do.
final class DatabaseTurn: Sendable {
    typealias Ticket = UInt64
    private typealias Waiter = CheckedContinuation<Void, Never>

    private struct State {
        var last: Ticket = 0
        var holder: (ticket: Ticket, life: ObjectIdentifier)?
        var waiters: [(ticket: Ticket, life: ObjectIdentifier, waiter: Waiter)] = []
        /// A transaction of the holder's has been begun at the server.
        var isOpen = false
        /// In microseconds of virtual time.
        var awayUntil: Int64 = 0
    }

    let session: DatabaseSession
    private let state = Mutex(State())

    init(session: DatabaseSession) {
        self.session = session
    }

    func setAway(until: Int64) {
        state.withLock { $0.awayUntil = until }
    }

    func isAway(at now: Int64) -> Bool {
        state.withLock { $0.awayUntil > now }
    }

    func take(for life: Life) async -> Ticket {
        let ticket = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withCheckedContinuation { waiter in
            let isFree = state.withLock { state in
                guard state.holder == nil else {
                    state.waiters.append((ticket, ObjectIdentifier(life), waiter))
                    return false
                }
                state.holder = (ticket, ObjectIdentifier(life))
                return true
            }
            if isFree { waiter.resume() }
        }
        return ticket
    }

    /// Ends the holder's turn, rolling back what it has left open. Does nothing for others.
    func leave(_ ticket: Ticket) {
        let mustRollBack = state.withLock { state in
            guard state.holder?.ticket == ticket else { return false }
            defer { state.isOpen = false }
            return state.isOpen
        }
        if mustRollBack { _ = try? session.run { try await $0.execute("ROLLBACK") } }
        let next = state.withLock { state -> Waiter? in
            guard state.holder?.ticket == ticket else { return nil }
            guard !state.waiters.isEmpty else {
                state.holder = nil
                return nil
            }
            let next = state.waiters.removeFirst()
            state.holder = (next.ticket, next.life)
            return next.waiter
        }
        next?.resume()
    }

    /// The connections of a process that has died end.
    func abandon(_ life: Life) {
        let ticket = state.withLock { state -> Ticket? in
            let holder = state.holder
            return holder?.life == ObjectIdentifier(life) ? holder?.ticket : nil
        }
        if let ticket { leave(ticket) }
    }

    /// Whether the transaction is still to be begun; from here on it counts as open.
    func opens(_ ticket: Ticket) -> Bool {
        state.withLock { state in
            guard state.holder?.ticket == ticket, !state.isOpen else { return false }
            state.isOpen = true
            return true
        }
    }

    /// COMMIT; false when nothing had been begun.
    func commit(_ ticket: Ticket) throws -> Bool {
        let isOpen = state.withLock { state in
            guard state.holder?.ticket == ticket else { return false }
            defer { state.isOpen = false }
            return state.isOpen
        }
        if isOpen { _ = try session.run { try await $0.execute("COMMIT") } }
        return isOpen
    }
}
