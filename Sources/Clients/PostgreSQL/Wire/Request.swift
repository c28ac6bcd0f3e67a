/// A request to a connection, and the caller that waits for it.
struct Request {
    enum Work: Sendable {
        case statements([SQL], isInTransaction: Bool)
        case script(String)

        var isInTransaction: Bool {
            if case .statements(_, let isInTransaction) = self { isInTransaction } else { false }
        }

        func exchange(opensTransaction: Bool) -> any Exchange {
            switch self {
            case .statements(let statements, _): PipelineExchange(statements, opensTransaction: opensTransaction)
            case .script(let text): ScriptExchange(text: text)
            }
        }
    }

    let id: Int
    let work: Work
    let continuation: CheckedContinuation<Outcome, Never>
}

extension PostgresError {
    static var cancelled: PostgresError { PostgresError(.cancelled, "the task was cancelled") }
    static var closed: PostgresError { PostgresError(.poolClosed, "the pool has been closed") }

    static func noServer(_ refusals: [(server: String, error: PostgresError)]) -> PostgresError {
        PostgresError(.connection, "no server of the URL serves: " + refusals.map { "\($0.server): \($0.error.message)" }.joined(separator: "; "))
    }

    /// COMMIT of a transaction with a failed statement is answered without an error, and rolls back.
    static var rolledBack: PostgresError {
        PostgresError(.server(sqlState: "25P02"), "COMMIT rolled back, because a statement of the transaction had failed and its error was not passed on")
    }

    static func commitUnknown(because cause: PostgresError?) -> PostgresError {
        let reason = cause.map { ": \($0)" } ?? ""
        return PostgresError(.commitUnknown, "the connection was lost during COMMIT, so the transaction may or may not have taken effect" + reason)
    }
}

/// What this module writes into log entries.
enum LogKey {
    static let backend = "postgres.backend"
    static let error = "error"
    static let server = "postgres.server"
    static let migration = "postgres.migration"
    static let schema = "postgres.schema"
}
