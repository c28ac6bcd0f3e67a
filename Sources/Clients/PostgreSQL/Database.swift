/// Where statements go: a plain connection, or a transaction. Valid only inside the closure that it was given to.
///
/// Every method throws `PostgresError`. When the task is cancelled the statement under way is cancelled on the server, and the error's code is `.cancelled`.
public protocol SQLConnection: Sendable {
    func query(_ sql: SQL) async throws -> Rows

    /// Sends all statements at once (at most 10,000) and waits once. The first error fails the whole; it says the statement's index, and no
    /// later statement is run. Outside a transaction the statements take effect together or not at all.
    func pipeline(_ statements: [SQL]) async throws -> [Rows]

    /// Sends the statement together with the next one, COMMIT included, so that no round trip is spent on it alone. If it fails, the next one fails with its error.
    /// Outside a transaction it is run at once. Bound: `SQL.maximumEnqueued` wait, then they are sent.
    func enqueue(_ sql: SQL) async throws
}

extension SQLConnection {
    /// Runs a statement for its effect. Returns how many rows it touched.
    @discardableResult
    public func execute(_ sql: SQL) async throws -> Int {
        try await query(sql).affected
    }
}

/// Access to a PostgreSQL database: the seam between Wharf and the server that runs its statements.
///
/// Bodies run where the caller runs, so they may use an actor's state.
public protocol Database: Sendable {
    /// Lends a connection. Each statement is a transaction of its own.
    nonisolated(nonsending) func withConnection<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result

    /// BEGIN … COMMIT, or ROLLBACK when `body` throws; the error is passed on.
    ///
    /// BEGIN is sent together with the first statement, and nothing is sent when there is none. When `body` has returned, COMMIT is sent and
    /// its result read, cancelled or not. A connection lost in between throws a `PostgresError` with code `.commitUnknown`.
    nonisolated(nonsending) func transaction<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result
}
