import PostgreSQL

/// The table in which PostgreSQL keeps the locks of all sessions: a batch of commands takes one lock for each of its messages, and one for most tables that
/// it touches; a batch that finds no room fails (SQLSTATE 53200).
struct LockTable: Sendable {
    /// Tables and indexes of one transaction: the days of the inbox with an index each, and a service's own.
    static let relations = 2 * (Inbox.retention + Inbox.daysAhead + 3) + 30

    struct Shortage: Sendable, CustomStringConvertible {
        let available: Int
        let needed: Int
        /// What `max_locks_per_transaction` has to be at least.
        let setting: Int
        /// There is not enough room even for this process alone.
        let isOwn: Bool

        var description: String {
            "PostgreSQL has room for \(available) locks, and the current sessions may need \(needed): set max_locks_per_transaction to at least \(setting)"
        }
    }

    private let database: any Database

    init(of database: any Database) {
        self.database = database
    }

    /// Whether this many concurrent batches, of this many messages, may exceed the table if all other sessions do the same. Throws `PostgresError`.
    func shortage(batches: Int, of messages: Int) async throws -> Shortage? {
        let row = try await database.withConnection { connection in
            try await connection.query(
                """
                SELECT current_setting('max_locks_per_transaction')::integer AS each,
                       current_setting('max_connections')::integer + current_setting('max_prepared_transactions')::integer AS transactions,
                       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS others
                """
            ).first
        }
        guard let row else { return nil }
        let (each, transactions): (Int32, Int32) = (try row.decode("each"), try row.decode("transactions"))
        let others: Int = try row.decode("others")
        return Self.shortage(each: Int(each), transactions: Int(transactions), others: others, batches: batches, of: messages)
    }

    static func shortage(each: Int, transactions: Int, others: Int, batches: Int, of messages: Int) -> Shortage? {
        let available = each * transactions
        let perBatch = messages + relations
        let needed = (others + batches) * perBatch
        guard needed > available, transactions > 0 else { return nil }
        return Shortage(
            available: available, needed: needed, setting: (needed + transactions - 1) / transactions, isOwn: batches * perBatch > available)
    }
}
