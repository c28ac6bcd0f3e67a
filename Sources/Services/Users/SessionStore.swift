import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

struct NewSession: Sendable {
    let id: UUID
    let token: String
    let account: AccountRow
    /// Where it was opened, and with which client.
    var address: String?
    var agent: String?
}

struct FoundSession: Sendable {
    let resolved: ResolvedSession
    let lastSeenAt: Date
}

/// A session in use.
struct Sighting: Sendable {
    let tokenHash: [UInt8]
    let address: String?
    let agent: String?
}

extension Store {
    /// A further one ends the oldest: no user needs more at once, and a client that never signs out cannot fill the table.
    static let maximumSessions = 50

    /// Stores the sessions of accounts that are unchanged since the password was verified, and returns which. The accounts' locks,
    /// taken in one order, let one batch at a time change an account's sessions.
    static func begin(
        _ sessions: [NewSession], now: Date, expiresAt: Date, on transaction: any SQLConnection
    ) async throws -> Set<UUID> {
        guard !sessions.isEmpty else { return [] }
        let users = sessions.map(\.account.id)
        let results = try await transaction.pipeline([
            lock(users),
            """
            INSERT INTO sessions (token_hash, id, user_id, created_at, expires_at, last_seen_at, address, user_agent)
            SELECT new.token_hash, new.id, accounts.id, \(now), \(expiresAt), \(now), new.address, new.agent
            FROM unnest(
                \(sessions.map { SHA256.hash($0.token) }), \(sessions.map(\.id)), \(users), \(sessions.map(\.account.passwordHash)),
                \(sessions.map { SHA256.hash($0.account.passwordHash) }), \(sessions.map(\.address)), \(sessions.map(\.agent))
            ) AS new (token_hash, id, user_id, password_hash, digest, address, agent)
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

    /// Replaces a verified hash with a stronger hash of the same password, unless it has been replaced meanwhile.
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

    /// The owners of those sessions that are valid at this moment.
    static func users(of tokenHashes: [[UInt8]], now: Date, on connection: any SQLConnection) async throws -> [[UInt8]: FoundSession] {
        let rows = try await connection.query(
            """
            SELECT token_hash, accounts.id, role, email, locale, coalesce(last_seen_at, sessions.created_at) AS last_seen_at
            FROM sessions JOIN accounts ON accounts.id = user_id
            WHERE token_hash = ANY(\(tokenHashes)) AND expires_at > \(now) AND NOT disabled
            """)
        return try Dictionary(
            rows.map { row in
                let session = ResolvedSession(
                    userID: try row.decode("id"), role: try role(row), email: try row.decode("email"), locale: try row.decode("locale"))
                return (try row.decode("token_hash"), FoundSession(resolved: session, lastSeenAt: try row.decode("last_seen_at")))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Records that sessions are in use. A session that another transaction is writing or ending is skipped, so this never waits.
    static func note(_ sightings: [Sighting], now: Date, on connection: any SQLConnection) async throws {
        guard !sightings.isEmpty else { return }
        _ = try await connection.query(
            """
            UPDATE sessions SET last_seen_at = \(now), address = coalesce(seen.address, sessions.address), user_agent = coalesce(seen.agent, sessions.user_agent)
            FROM (
                SELECT sessions.token_hash, new.address, new.agent
                FROM unnest(\(sightings.map(\.tokenHash)), \(sightings.map(\.address)), \(sightings.map(\.agent))) AS new (token_hash, address, agent)
                JOIN sessions ON sessions.token_hash = new.token_hash
                FOR UPDATE OF sessions SKIP LOCKED
            ) AS seen
            WHERE sessions.token_hash = seen.token_hash
            """)
    }

    /// One list per query, newest first, one session longer than its page.
    static func sessions(_ lists: [ListSessions], now: Date, on connection: any SQLConnection) async throws -> [[SessionView]] {
        let results = try await connection.pipeline(
            lists.map { list in
                var sql: SQL = """
                    SELECT id, created_at, coalesce(last_seen_at, created_at) AS last_seen_at, expires_at, user_agent, address,
                        token_hash IS NOT DISTINCT FROM \(list.current) AS current
                    FROM sessions WHERE user_id = \(list.userID) AND expires_at > \(now)
                    """
                if let after = list.after { sql += " AND (created_at, id) < (\(after.0), \(after.1))" }
                return sql + " ORDER BY created_at DESC, id DESC LIMIT \(list.page.limit + 1)"
            })
        return try results.map { rows in
            try rows.map { row in
                SessionView(
                    id: try row.decode("id"), createdAt: try row.decode("created_at"), lastSeenAt: try row.decode("last_seen_at"),
                    expiresAt: try row.decode("expires_at"), userAgent: try row.decode("user_agent"), address: try row.decode("address"),
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

    /// Returns the ids of the sessions that were ended.
    static func end(_ sessions: [(userID: UUID, id: UUID)], on transaction: any SQLConnection) async throws -> Set<UUID> {
        let results = try await transaction.pipeline([
            lock(sessions.map(\.userID)),
            """
            DELETE FROM sessions USING unnest(\(sessions.map(\.userID)), \(sessions.map(\.id))) AS ended (user_id, id)
            WHERE sessions.user_id = ended.user_id AND sessions.id = ended.id
            RETURNING sessions.id
            """,
        ])
        return try Set(results[1].map { try $0.decode("id") })
    }

    static func endAll(of users: [UUID], on transaction: any SQLConnection) async throws {
        _ = try await transaction.pipeline([lock(users), "DELETE FROM sessions WHERE user_id = ANY(\(users))"])
    }
}
