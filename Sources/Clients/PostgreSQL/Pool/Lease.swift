import Synchronization

/// A connection as a closure sees it: unusable once the closure has ended.
final class Lease: SQLConnection {
    private let connection: PostgresConnection
    private let isTransaction: Bool
    private let isOver = Atomic<Bool>(false)
    private let enqueued = Mutex<[SQL]>([])

    init(of connection: PostgresConnection, isTransaction: Bool) {
        self.connection = connection
        self.isTransaction = isTransaction
    }

    /// Returns what is still to be sent before COMMIT.
    @discardableResult
    func end() -> [SQL] {
        isOver.store(true, ordering: .releasing)
        return takeEnqueued()
    }

    private func takeEnqueued() -> [SQL] {
        enqueued.withLock { enqueued in
            defer { enqueued = [] }
            return enqueued
        }
    }

    func query(_ sql: SQL) async throws -> Rows {
        do {
            let rows = try await send([sql])
            guard let first = rows.first else { throw PostgresError(.protocolViolation, "a statement was not answered") }
            return first
        } catch var error as PostgresError {
            error.statementIndex = nil
            throw error
        }
    }

    func pipeline(_ statements: [SQL]) async throws -> [Rows] {
        try await send(statements)
    }

    func enqueue(_ sql: SQL) async throws {
        try checkIsValid()
        try check(sql)
        let mustSend = enqueued.withLock { enqueued in
            enqueued.append(sql)
            return !isTransaction || enqueued.count >= SQL.maximumEnqueued
        }
        if mustSend { try await sendEnqueued() }
    }

    private func sendEnqueued() async throws(PostgresError) {
        if enqueued.withLock({ !$0.isEmpty }) { _ = try await send([]) }
    }

    /// Runs several statements in one text, without values. They must not end the transaction.
    func script(_ text: String) async throws {
        try await sendEnqueued()
        try checkIsValid()
        if isTransaction { try await connection.begin() }
        _ = try await connection.perform(.script(text)).get()
        if isTransaction, connection.condition != .inTransaction {
            throw PostgresError(.misuse, "a script must leave its transaction open")
        }
    }

    private func send(_ statements: [SQL]) async throws(PostgresError) -> [Rows] {
        try checkIsValid()
        // The earlier ones were checked when they were added.
        for sql in statements { try check(sql) }
        let before = takeEnqueued()
        let statements = before + statements
        guard !statements.isEmpty else { return [] }
        guard statements.count <= PipelineExchange.maximumStatements else {
            throw PostgresError(.misuse, "a pipeline of \(statements.count) statements; at most \(PipelineExchange.maximumStatements) are allowed")
        }
        do {
            return Array(try await connection.perform(.statements(statements, isInTransaction: isTransaction)).get().dropFirst(before.count))
        } catch {
            var error = error
            error.statementIndex = error.statementIndex.flatMap { $0 < before.count ? nil : $0 - before.count }
            throw error
        }
    }

    private func check(_ sql: SQL) throws(PostgresError) {
        guard sql.parameters.count <= SQL.maximumParameters, sql.parameters.byteCount < Parameters.maximumBytes else {
            throw PostgresError(.misuse, "a statement binds \(sql.parameters.count) values of \(sql.parameters.byteCount) bytes; bind arrays, or split it")
        }
    }

    private func checkIsValid() throws(PostgresError) {
        guard !isOver.load(ordering: .acquiring) else {
            throw PostgresError(.misuse, "a connection was used after the closure that it was lent to")
        }
    }
}
