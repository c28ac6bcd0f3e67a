/// Whether a pool's sessions write.
public enum Access: Sendable {
    /// Only a server that takes writes will do.
    case readWrite
    /// Any server will do, a standby too. Its sessions hold no locks that others wait for, and have no timeouts of that kind.
    case read
}

/// How long a session may hold locks, and wait for them, before the server ends it. The URL's own `options` take precedence.
public struct SessionTimeouts: Sendable {
    /// A transaction whose client is silent for this long is rolled back and its session ended: the client has been stopped, or its machine has lost power,
    /// and its locks must be free for others. Its work is redelivered. nil leaves it to the server.
    public var idleInTransaction: Duration?
    /// How long a statement waits for a lock, then it fails with SQLSTATE 55P03. nil leaves it to the server.
    public var lock: Duration?

    public init(idleInTransaction: Duration?, lock: Duration?) {
        self.idleInTransaction = idleInTransaction
        self.lock = lock
    }

    /// No session waits longer than 15 seconds for a worker that has been stopped inside its transaction: its session ends after 8, which is longer than a
    /// live worker pauses between two statements. Sessions that wait for its locks wait 12, so they outlive it and go on without a failure.
    public static let standard = SessionTimeouts(idleInTransaction: .seconds(8), lock: .seconds(12))
    /// For tools, whose transactions may take long and whose waits people watch.
    public static let none = SessionTimeouts(idleInTransaction: nil, lock: nil)
}

/// The settings that Wharf's statements rely on in a session, whatever the defaults of server, database and role.
///
/// Settings are sent when connecting, where they override all defaults, and read back, since a pooler may drop them. Needs PostgreSQL 14.
struct Session: Sendable {
    /// While a statement runs, the server checks this often whether the client is still there.
    static let clientCheckInterval: Duration = .seconds(5)

    /// Settings that must have these values, appended after the URL's own options; in the form in which the server shows them.
    private let required: [(name: String, value: String)]
    /// Settings that the URL's own options may override.
    private let standards: [(name: String, value: String)]

    init(schema: String?, keepsToIndexes: Bool, timeouts: SessionTimeouts, statementTimeout: Duration?) {
        var required = [
            // Deduplication waits for a lock and then sees what its holder has committed.
            ("default_transaction_isolation", "read committed"),
            // Dates become days, minutes and text in statements.
            ("TimeZone", "UTC"), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "postgres"),
            // Statements are written in standard SQL.
            ("standard_conforming_strings", "on"), ("transform_null_equals", "off"),
        ]
        if let schema { required.append(("search_path", quotedIdentifier(schema) + ",public")) }
        // A query that an index answers does not repay the start of parallel workers.
        if keepsToIndexes {
            required += [("enable_seqscan", "off"), ("jit", "off"), ("max_parallel_workers_per_gather", "0"), ("plan_cache_mode", "force_generic_plan")]
        }
        let network = ConnectionSettings.networkTimeout
        var standards = [
            // For a client whose machine is gone: the same limits as the client has for the server.
            ("tcp_keepalives_idle", "\(network.milliseconds / 3000)"), ("tcp_keepalives_interval", "\(network.milliseconds / 3000)"),
            ("tcp_keepalives_count", "2"), ("tcp_user_timeout", "\(network.milliseconds)"),
            ("client_connection_check_interval", "\(Self.clientCheckInterval.milliseconds)"),
        ]
        if let limit = timeouts.idleInTransaction { standards.append(("idle_in_transaction_session_timeout", "\(limit.milliseconds)")) }
        if let limit = timeouts.lock { standards.append(("lock_timeout", "\(limit.milliseconds)")) }
        if let statementTimeout { standards.append(("statement_timeout", "\(statementTimeout.milliseconds)")) }
        self.required = required
        self.standards = standards
    }

    /// The startup packet's `options`, where the last setting of a name counts.
    func options(around given: String?) -> String {
        let given = given.map { [$0] } ?? []
        return (standards.map(Self.option) + given + required.map(Self.option)).joined(separator: " ")
    }

    private static func option(_ name: String, _ value: String) -> String {
        // As the server splits its command line.
        "-c \(name)="
            + value.reduce(into: "") { escaped, character in
                if character == " " || character == "\\" { escaped.append("\\") }
                escaped.append(character)
            }
    }

    /// The first statements of a session. Without a synchronous commit a crash of the server loses what was answered: only the URL's own options may ask
    /// for that (`pg_settings` names them the client's).
    var preparation: [SQL] {
        // Who may set the last one has more rights than a service; where it is not `origin`, foreign keys and triggers are off.
        let wanted = required + [("client_encoding", "UTF8"), ("session_replication_role", "origin")]
        return [
            """
            SELECT set_config(name, 'on', false) FROM pg_settings
            WHERE name = 'synchronous_commit' AND setting = 'off' AND source <> 'client'
            """,
            """
            SELECT name, value, current_setting(name) AS actual FROM unnest(\(wanted.map(\.0)), \(wanted.map(\.1))) AS wanted (name, value)
            WHERE current_setting(name) <> value
            """,
        ]
    }

    /// What is wrong with the session, by the answers to its preparation.
    func trouble(in answers: [Rows]) throws(PostgresError) -> PostgresError? {
        guard let row = answers.last?.first else { return nil }
        let (name, value, actual): (String, String, String) = (try row.decode("name"), try row.decode("value"), try row.decode("actual"))
        return PostgresError(
            .connection,
            "the session has \(name) '\(actual)', and Wharf needs '\(value)': a pooler on the way must pass the connection's options on, and no default may differ that the role cannot set")
    }
}
