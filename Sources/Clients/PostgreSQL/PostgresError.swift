import IOThreads

/// The one error of this module: what happened, what it concerns, and whether a retry can succeed.
///
/// It never holds values that were bound to a statement. `detail` may quote stored values (a unique violation names the key), so
/// `description`, which is what ends up in logs, leaves it out.
public struct PostgresError: Error, Sendable {
    public enum Code: Hashable, Sendable {
        /// No usable connection could be made (a read-only server is not usable for a pool that writes), or it was lost, or the server did not
        /// answer in time.
        case connection
        /// The server refused a statement; the five characters are those of PostgreSQL's appendix A.
        case server(sqlState: String)
        /// A value cannot be read as the Swift type asked for, or there is no such column.
        case decoding
        /// The limit on waiting callers has been reached.
        case poolExhausted
        /// No connection became free in time.
        case acquisitionTimeout
        /// The pool has been shut down.
        case poolClosed
        /// The connection was lost between sending COMMIT and reading its result: the transaction took effect wholly, or not at all.
        case commitUnknown
        /// The task was cancelled.
        case cancelled
        /// The server, or libpq, violated the protocol. The connection is dropped.
        case protocolViolation
        /// The program used this module in a way that it forbids, such as a connection kept past its closure.
        case misuse
        /// The URL cannot be read.
        case configuration
        /// A migration was changed or removed after it had been applied.
        case migrationRefused
    }

    public var code: Code
    public var message: String
    /// What the server adds to its message. May hold stored values: do not log.
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    /// The violated constraint, for classes 23xxx.
    public var constraint: String?
    /// The statement's text with `$1` in place of its values.
    public var statement: String?
    /// The statement's place in the array that was given to `pipeline`.
    public var statementIndex: Int?
    /// The server ended the session with this error.
    var endsSession = false
    /// The server's name could not be looked up, which says nothing about the server.
    var isLookup = false
    /// A prepared statement went stale; it is prepared afresh next time.
    var isStalePlan = false

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(lookup error: HostLookupError) {
        self.init(.connection, "connecting to PostgreSQL: \(error.message)")
        isLookup = true
    }

    public var sqlState: String? {
        if case .server(let sqlState) = code { sqlState } else { nil }
    }

    /// Whether the same work, tried again later on another connection, can succeed: deadlocks, serialization failures, locks and statements that took too
    /// long, a server that restarts, only reads or has no room, connections lost, pools that are full. After `commitUnknown`, and after `connection` outside a transaction, the work may have been done: try again
    /// only what is safe to do twice.
    public var isTransient: Bool {
        switch code {
        case .connection, .poolExhausted, .acquisitionTimeout, .commitUnknown: true
        case .server(let sqlState): isStalePlan || Self.isTransient(sqlState: sqlState)
        case .decoding, .poolClosed, .cancelled, .protocolViolation, .misuse, .configuration, .migrationRefused: false
        }
    }

    /// A statement would have waited for a lock longer than `lock_timeout`.
    public static let lockNotAvailable = "55P03"
    /// The SQLSTATE of a cancelled statement, and of one past `statement_timeout`.
    public static let queryCanceled = "57014"
    /// The server accepts no writes: it is a standby, or an operator made it read-only.
    public static let readOnly = "25006"

    private static func isTransient(sqlState: String) -> Bool {
        switch sqlState {
        case "40001", "40P01", lockNotAvailable, readOnly, "25P03": true
        // Connections, resources, and what an operator or a timeout has stopped.
        default: ["08", "53", "57"].contains { sqlState.hasPrefix($0) }
        }
    }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let sqlState { text += " [SQLSTATE \(sqlState)]" }
        if let constraint { text += " [constraint \(constraint)]" }
        if let statementIndex { text += " [statement \(statementIndex) of the pipeline]" }
        if let statement { text += " [in: \(statement)]" }
        return text
    }
}
