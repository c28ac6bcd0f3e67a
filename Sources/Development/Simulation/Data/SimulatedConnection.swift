import PostgreSQL
import Synchronization

/// The connection that the program's closures receive.
final class SimulatedConnection: SQLConnection {
    let ticket: SharedDatabase.Ticket
    private let database: SimulatedDatabase
    private let isTransaction: Bool
    private let inboxRows = Mutex(0)
    /// Statements to send with the next one, or before COMMIT.
    private let enqueued = Mutex<[SQL]>([])

    init(_ database: SimulatedDatabase, ticket: SharedDatabase.Ticket, isTransaction: Bool) {
        (self.database, self.ticket, self.isTransaction) = (database, ticket, isTransaction)
    }

    /// How many messages this transaction has entered into the inbox.
    var handled: Int { inboxRows.withLock { $0 } }

    func query(_ sql: SQL) async throws -> Rows {
        guard let rows = try await send([sql]).first else { throw PostgresError(.protocolViolation, "a statement was not answered") }
        return rows
    }

    func pipeline(_ statements: [SQL]) async throws -> [Rows] {
        try await send(statements)
    }

    func enqueue(_ sql: SQL) async throws {
        let mustSend = enqueued.withLock { enqueued in
            enqueued.append(sql)
            return !isTransaction || enqueued.count >= SQL.maximumEnqueued
        }
        if mustSend { try await flush() }
    }

    /// Sends what has been enqueued.
    func flush() async throws {
        _ = try await send([])
    }

    private func send(_ asked: [SQL]) async throws -> [Rows] {
        let waiting = enqueued.withLock { enqueued in
            defer { enqueued = [] }
            return enqueued
        }
        let statements = waiting + asked
        guard !statements.isEmpty else { return [] }
        try await prepare()
        let sent = statements.map { database.sabotage?.broken($0, of: database.process.name) ?? $0 }
        let answers = try await run { try await $0.pipeline(sent) }
        for (statement, rows) in zip(statements, answers) {
            if statement.entersInbox { inboxRows.withLock { $0 += rows.affected } }
            if statement.looksIntoInbox, !rows.isEmpty { database.visits.note(Moment.knownToInbox) }
        }
        database.faults.trace.note("\(database.process.name) \(statements.map(\.summary).joined(separator: "; ")) [\(answers.map(\.affected))]")
        return Array(answers.dropFirst(waiting.count))
    }

    private func run<Result: Sendable>(_ body: @escaping @Sendable (any SQLConnection) async throws -> Result) async throws -> Result {
        var hasWaited = false
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await database.shared.run(ticket, inTransaction: isTransaction, waiting: { hasWaited = true }, body))
        } catch {
            result = .failure(error)
        }
        // Its process may have died meanwhile.
        await database.process.check()
        if hasWaited {
            database.visits.note(Moment.lockWait)
            database.faults.trace.note("\(database.process.name) has waited for a lock")
        }
        return try result.get()
    }

    /// The part before a statement: the network to the server, with latency and outages.
    private func prepare() async throws {
        await database.process.pass(.statement)
        let latency = database.faults.strikes(.statementSlow) ? SimulatedDatabase.longLatency : SimulatedDatabase.latency
        try? await database.clock.sleep(for: database.faults.chance.duration(milliseconds: latency))
        await database.process.check()
        if database.shared.isAway(at: database.clock.elapsed) || database.faults.strikes(.statementLost) {
            throw PostgresError(.connection, "the connection to PostgreSQL was lost")
        }
        if isTransaction, database.faults.strikes(.serializationFailure) {
            throw PostgresError(.server(sqlState: "40001"), "could not serialize access")
        }
    }
}

extension SQL {
    var entersInbox: Bool { text.hasPrefix("INSERT INTO inbox") }
    fileprivate var looksIntoInbox: Bool { text.hasPrefix("SELECT message_id, fingerprint") }

    /// Its first words, for the trace.
    fileprivate var summary: String {
        text.split(whereSeparator: \.isWhitespace).prefix(3).joined(separator: " ")
    }
}
