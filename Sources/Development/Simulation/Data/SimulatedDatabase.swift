import Messaging
import PostgreSQL

/// A real PostgreSQL as one process of the simulation sees it: its statements are the program's own, and between them connections are lost, transactions
/// fail, and the server goes away.
struct SimulatedDatabase: Database {
    static let latency = 0...2
    /// The pause of a worker or a network that is slow for a moment: others' transactions begin and end meanwhile.
    static let longLatency = 100...3_000

    let shared: SharedDatabase
    let clock: SimulatedClock
    let process: SimulatedProcess
    let faults: Faults
    let visits: Visits
    var sabotage: Sabotage?

    init(_ shared: SharedDatabase, clock: SimulatedClock, process: SimulatedProcess, faults: Faults, visits: Visits, sabotage: Sabotage? = nil) {
        (self.shared, self.clock, self.process, self.faults, self.visits, self.sabotage) = (shared, clock, process, faults, visits, sabotage)
        process.onDeath { shared.abandon(process) }
    }

    nonisolated(nonsending) func withConnection<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await connect(inTransaction: false)
        do {
            let result = try await body(connection)
            await process.check()
            shared.leave(connection.ticket)
            return result
        } catch {
            shared.leave(connection.ticket)
            throw error
        }
    }

    nonisolated(nonsending) func transaction<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await connect(inTransaction: true)
        do {
            let result = try await body(connection)
            try await connection.flush()
            try await commit(connection)
            return result
        } catch {
            await process.check()
            shared.leave(connection.ticket)
            if connection.handled > 1 { visits.note(Moment.oneByOne) }
            faults.trace.note("\(process.name) rolls back")
            throw error
        }
    }

    private func connect(inTransaction: Bool) async throws -> SimulatedConnection {
        await process.check()
        let ticket = try await shared.take(for: process)
        if process.isDead { shared.leave(ticket) }
        await process.check()
        if shared.isAway(at: clock.elapsed) {
            shared.leave(ticket)
            throw PostgresError(.connection, "PostgreSQL is away")
        }
        return SimulatedConnection(self, ticket: ticket, isTransaction: inTransaction)
    }

    private func commit(_ connection: SimulatedConnection) async throws {
        await process.pass(.commit)
        if faults.strikes(.commitUnknown) {
            if faults.chance.happens(0.5) {
                visits.note(Moment.commitUnknownDone)
                _ = try shared.commit(connection.ticket)
            } else {
                visits.note(Moment.commitUnknownLost)
            }
            throw PostgresError(.commitUnknown, "the connection was lost during COMMIT")
        }
        if sabotage == .lateCommit {
            // As if it were done, while it still can be lost.
            let (shared, process, ticket) = (shared, process, connection.ticket)
            clock.schedule(after: Sabotage.lateness) {
                if !process.isDead { _ = try? shared.commit(ticket) }
                shared.leave(ticket)
            }
            return
        }
        let committed = try shared.commit(connection.ticket)
        if committed { faults.trace.note("\(process.name) commits \(connection.handled)") }
        if connection.handled > 1 { visits.note(Moment.batch) }
        shared.leave(connection.ticket)
        if committed { await process.pass(.committed) }
    }
}
