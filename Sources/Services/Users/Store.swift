import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

struct AccountRow: Sendable {
    let id: UUID
    let email: String
    let name: String
    let passwordHash: String
    let role: Caller.Role
    let verified: Bool
    let disabled: Bool
    let createdAt: Date

    var view: UserView {
        UserView(id: id, email: email, name: name, role: role, verified: verified, createdAt: createdAt)
    }
}

struct NewSession: Sendable {
    let id: UUID
    let token: String
    let account: AccountRow
}

enum Store {
    /// A further one ends the oldest: nobody uses more at once, and a client that never signs out cannot fill the table.
    static let maximumSessions = 50

    private static let columns: SQL = "SELECT id, email, email_key, name, password_hash, role, verified, disabled, created_at FROM accounts "

    static func accounts(byEmail keys: [String], on connection: any SQLConnection) async throws -> [String: AccountRow] {
        let rows = try await connection.query(columns + "WHERE email_key = ANY(\(keys))")
        return try Dictionary(rows.map { (try $0.decode("email_key"), try read($0)) }, uniquingKeysWith: { first, _ in first })
    }

    static func accounts(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: AccountRow] {
        let rows = try await connection.query(columns + "WHERE id = ANY(\(ids))")
        return try Dictionary(rows.map(read).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Inserts the accounts whose addresses are free, and tells which. Of two with one address the first in the array wins.
    static func insert(_ accounts: [AccountRow], on transaction: any SQLConnection) async throws -> Set<UUID> {
        guard !accounts.isEmpty else { return [] }
        let rows = try await transaction.query(
            """
            INSERT INTO accounts (id, email, email_key, name, password_hash, role, created_at)
            SELECT id, email, email_key, name, password_hash, role, created_at
            FROM unnest(
                \(accounts.map(\.id)), \(accounts.map(\.email)), \(accounts.map { EmailAddress.key(of: $0.email) }), \(accounts.map(\.name)),
                \(accounts.map(\.passwordHash)), \(accounts.map(\.role.rawValue)), \(accounts.map(\.createdAt))
            ) WITH ORDINALITY AS new (id, email, email_key, name, password_hash, role, created_at, place)
            ORDER BY email_key, place
            ON CONFLICT (email_key) DO NOTHING
            RETURNING id
            """)
        return try Set(rows.map { try $0.decode("id") })
    }

    private static func read(_ row: Row) throws -> AccountRow {
        AccountRow(
            id: try row.decode("id"), email: try row.decode("email"), name: try row.decode("name"),
            passwordHash: try row.decode("password_hash"), role: try role(row), verified: try row.decode("verified"),
            disabled: try row.decode("disabled"), createdAt: try row.decode("created_at"))
    }

    /// A role of another version of Wharf gives no power here.
    private static func role(_ row: Row) throws -> Caller.Role {
        Caller.Role(rawValue: try row.decode("role")) ?? .customer
    }
}

// MARK: - Sessions

extension Store {
    /// Stores the sessions of accounts that are still as they were when the password was verified, and tells which. The accounts' locks,
    /// taken in one order, let one batch at a time change an account's sessions.
    static func begin(
        _ sessions: [NewSession], now: Date, expiresAt: Date, on transaction: any SQLConnection
    ) async throws -> Set<UUID> {
        guard !sessions.isEmpty else { return [] }
        let users = sessions.map(\.account.id)
        let results = try await transaction.pipeline([
            lock(users),
            """
            INSERT INTO sessions (token_hash, id, user_id, created_at, expires_at)
            SELECT new.token_hash, new.id, accounts.id, \(now), \(expiresAt)
            FROM unnest(
                \(sessions.map { SHA256.hash($0.token) }), \(sessions.map(\.id)), \(users), \(sessions.map(\.account.passwordHash)),
                \(sessions.map { SHA256.hash($0.account.passwordHash) })
            ) AS new (token_hash, id, user_id, password_hash, digest)
            JOIN accounts ON accounts.id = new.user_id AND NOT accounts.disabled
                AND (accounts.password_hash = new.password_hash OR accounts.renewed_from = new.digest)
            RETURNING id
            """,
            """
            DELETE FROM sessions
            USING (
                SELECT token_hash, row_number() OVER (PARTITION BY user_id ORDER BY created_at DESC, id DESC) AS place
                FROM sessions WHERE user_id = ANY(\(users))
            ) AS ranked
            WHERE sessions.token_hash = ranked.token_hash AND (ranked.place > \(maximumSessions) OR sessions.expires_at <= \(now))
            """,
        ])
        return try Set(results[1].map { try $0.decode("id") })
    }

    /// Puts a stronger hash of the same password in the place of one that was verified, unless that one has been replaced meanwhile.
    static func renew(_ hashes: [(account: AccountRow, hash: String)], on transaction: any SQLConnection) async throws {
        guard !hashes.isEmpty else { return }
        try await transaction.enqueue(
            """
            UPDATE accounts SET password_hash = new.renewed, renewed_from = new.digest
            FROM unnest(
                \(hashes.map(\.account.id)), \(hashes.map(\.account.passwordHash)), \(hashes.map { SHA256.hash($0.account.passwordHash) }), \(hashes.map(\.hash))
            ) AS new (id, password_hash, digest, renewed)
            WHERE accounts.id = new.id AND accounts.password_hash = new.password_hash
            """)
    }

    /// The owners of those sessions that hold at this moment.
    static func users(of tokenHashes: [[UInt8]], now: Date, on connection: any SQLConnection) async throws -> [[UInt8]: ResolvedSession] {
        let rows = try await connection.query(
            """
            SELECT token_hash, accounts.id, role, email
            FROM sessions JOIN accounts ON accounts.id = user_id
            WHERE token_hash = ANY(\(tokenHashes)) AND expires_at > \(now) AND NOT disabled
            """)
        return try Dictionary(
            rows.map { row in
                let session = ResolvedSession(
                    userID: try row.decode("id"), role: try role(row), email: try row.decode("email"))
                return (try row.decode("token_hash"), session)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// One list for each question, newest first, one session longer than its page.
    static func sessions(_ lists: [ListSessions], now: Date, on connection: any SQLConnection) async throws -> [[SessionView]] {
        let results = try await connection.pipeline(
            lists.map { list in
                var sql: SQL = """
                    SELECT id, created_at, expires_at, token_hash IS NOT DISTINCT FROM \(list.current) AS current
                    FROM sessions WHERE user_id = \(list.userID) AND expires_at > \(now)
                    """
                if let after = list.after { sql += " AND (created_at, id) < (\(after.0), \(after.1))" }
                return sql + " ORDER BY created_at DESC, id DESC LIMIT \(list.page.limit + 1)"
            })
        return try results.map { rows in
            try rows.map { row in
                SessionView(
                    id: try row.decode("id"), createdAt: try row.decode("created_at"), expiresAt: try row.decode("expires_at"),
                    current: try row.decode("current"))
            }
        }
    }

    static func end(_ sessions: [(userID: UUID, tokenHash: [UInt8])], on transaction: any SQLConnection) async throws {
        _ = try await transaction.pipeline([
            lock(sessions.map(\.userID)),
            """
            DELETE FROM sessions USING unnest(\(sessions.map(\.userID)), \(sessions.map(\.tokenHash))) AS ended (user_id, token_hash)
            WHERE sessions.token_hash = ended.token_hash AND sessions.user_id = ended.user_id
            """,
        ])
    }

    static func endAll(of users: [UUID], on transaction: any SQLConnection) async throws {
        _ = try await transaction.pipeline([lock(users), "DELETE FROM sessions WHERE user_id = ANY(\(users))"])
    }

    private static func lock(_ users: [UUID]) -> SQL {
        "SELECT id FROM accounts WHERE id = ANY(\(users)) ORDER BY id FOR NO KEY UPDATE"
    }
}
