// BEGIN goes out with the first statement of a transaction, see `perform`.
extension PostgresConnection {
    /// Opens the transaction by itself, for what cannot go into a pipeline.
    func begin() async throws(PostgresError) {
        guard !isTransactionOpen else { return }
        _ = try await perform(.statements([], isInTransaction: true)).get()
    }

    /// Not cancellable: once sent, its result is waited for.
    func commit() async throws(PostgresError) {
        guard isTransactionOpen else { return }
        let outcome = await perform(.statements(["COMMIT"], isInTransaction: false), isCancellable: false)
        isTransactionOpen = false
        if let rows = outcome.rows.first {
            guard rows.commandTag == "COMMIT" else { throw .rolledBack }
        } else if outcome.isSent, outcome.isCutShort {
            throw .commitUnknown(because: outcome.error)
        } else {
            throw outcome.error ?? PostgresError(.protocolViolation, "COMMIT was not answered")
        }
    }

    /// Ends what a closure left open. True: the connection can be used by another.
    func reset() async -> Bool {
        if isTransactionOpen || condition != .ready {
            _ = await perform(.statements(["ROLLBACK"], isInTransaction: false), isCancellable: false)
            isTransactionOpen = false
        }
        return condition == .ready
    }
}
