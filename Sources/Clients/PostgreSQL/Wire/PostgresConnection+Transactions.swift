// BEGIN goes out with the first statement of a transaction, see `perform`.
extension PostgresConnection {
    /// Opens the transaction by itself, for what cannot go into a pipeline.
    func begin() async throws(PostgresError) {
        guard !isTransactionOpen else { return }
        _ = try await perform(.statements([], isInTransaction: true)).get()
    }

    /// Sends `statements` and COMMIT at once. Not cancellable: once sent, its result is waited for.
    func commit(after statements: [SQL]) async throws(PostgresError) {
        guard isTransactionOpen || !statements.isEmpty else { return }
        let outcome = await perform(.statements(statements + ["COMMIT"], isInTransaction: true), isCancellable: false)
        isTransactionOpen = false
        if outcome.error == nil, let rows = outcome.rows.last {
            guard rows.commandTag == "COMMIT" else { throw .rolledBack }
        } else if outcome.isSent, outcome.isCutShort {
            throw .commitUnknown(because: outcome.error)
        } else {
            throw outcome.error ?? PostgresError(.protocolViolation, "COMMIT was not answered")
        }
    }

    /// Ends what a closure left open. True: the connection can be lent again.
    func reset() async -> Bool {
        if isTransactionOpen || condition != .ready {
            _ = await perform(.statements(["ROLLBACK"], isInTransaction: false), isCancellable: false)
            isTransactionOpen = false
        }
        return condition == .ready
    }
}
