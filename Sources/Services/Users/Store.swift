import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

struct AccountRow: Sendable {
    let id: UUID
    let email: String
    var name: String
    var locale: String?
    let passwordHash: String
    /// SHA-256 of the hash of the same password that `passwordHash` has replaced.
    var renewedFrom: [UInt8]?
    var role: Caller.Role
    let verified: Bool
    var disabled: Bool
    let createdAt: Date
    var preferences = ChannelPreferences()
    /// Increases with each change of the preferences.
    var preferencesRevision = 0

    var view: UserView {
        UserView(
            id: id, email: email, name: name, locale: locale, role: role, verified: verified, notifications: preferences, createdAt: createdAt)
    }

    /// Whether its password is still the one that `other` had.
    func hasPassword(of other: AccountRow) -> Bool {
        passwordHash == other.passwordHash || renewedFrom == SHA256.hash(other.passwordHash)
    }
}

enum Store {
    static let accountColumns: SQL =
        """
        SELECT id, email, email_key, name, locale, password_hash, renewed_from, role, verified, disabled, created_at,
               notify_by_email, notify_by_sms, preferences_revision
        FROM accounts

        """

    static func accounts(byEmail keys: [String], on connection: any SQLConnection) async throws -> [String: AccountRow] {
        let rows = try await connection.query(accountColumns + "WHERE email_key = ANY(\(keys))")
        return try Dictionary(rows.map { (try $0.decode("email_key"), try account($0)) }, uniquingKeysWith: { first, _ in first })
    }

    static func accounts(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: AccountRow] {
        let rows = try await connection.query(accountColumns + "WHERE id = ANY(\(ids))")
        return try Dictionary(rows.map(account).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Inserts the accounts whose addresses are free, and returns which. Of two with one address, the first in the array wins.
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

    /// The accounts once no other transaction is changing them. The locks, taken in one order, let one batch at a time change an account,
    /// its sessions, its links and its addresses.
    static func lockedAccounts(_ ids: [UUID], on transaction: any SQLConnection) async throws -> [UUID: AccountRow] {
        if ids.isEmpty { return [:] }
        let results = try await transaction.pipeline([lock(ids), accountColumns + "WHERE id = ANY(\(ids))"])
        return try Dictionary(results[1].map(account).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    static func lock(_ users: [UUID]) -> SQL {
        "SELECT id FROM accounts WHERE id = ANY(\(users)) ORDER BY id FOR NO KEY UPDATE"
    }

    static func saveProfiles(_ accounts: [AccountRow], on transaction: any SQLConnection) async throws {
        guard !accounts.isEmpty else { return }
        try await transaction.enqueue(
            """
            UPDATE accounts
            SET name = new.name, locale = new.locale, notify_by_email = new.email, notify_by_sms = new.sms, preferences_revision = new.revision
            FROM unnest(
                \(accounts.map(\.id)), \(accounts.map(\.name)), \(accounts.map(\.locale)), \(accounts.map(\.preferences.email)),
                \(accounts.map(\.preferences.sms)), \(accounts.map(\.preferencesRevision))
            ) AS new (id, name, locale, email, sms, revision)
            WHERE accounts.id = new.id
            """)
    }

    static func setVerified(_ id: UUID, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("UPDATE accounts SET verified = true WHERE id = \(id)")
    }

    /// Returns false if another account has the address.
    static func setEmail(_ email: String, of id: UUID, on transaction: any SQLConnection) async throws -> Bool {
        let key = EmailAddress.key(of: email)
        let rows = try await transaction.query(
            """
            UPDATE accounts SET email = \(email), email_key = \(key)
            WHERE id = \(id) AND NOT EXISTS (SELECT FROM accounts AS other WHERE other.email_key = \(key) AND other.id <> \(id))
            RETURNING id
            """)
        return !rows.isEmpty
    }

    /// Replaces the password, and ends everything opened with the old one: all sessions but the one to keep, a pending reset and a pending change of address.
    static func setPassword(
        _ hash: String, of id: UUID, keeping session: [UInt8]?, now: Date, on transaction: any SQLConnection
    ) async throws {
        try await transaction.enqueue("UPDATE accounts SET password_hash = \(hash), renewed_from = NULL WHERE id = \(id)")
        try await transaction.enqueue("DELETE FROM sessions WHERE user_id = \(id) AND token_hash IS DISTINCT FROM \(session)")
        try await endLinks([.passwordReset, .emailChange], of: [id], now: now, on: transaction)
    }

    static func account(_ row: Row) throws -> AccountRow {
        AccountRow(
            id: try row.decode("id"), email: try row.decode("email"), name: try row.decode("name"), locale: try row.decode("locale"),
            passwordHash: try row.decode("password_hash"), renewedFrom: try row.decode("renewed_from"), role: try role(row),
            verified: try row.decode("verified"), disabled: try row.decode("disabled"), createdAt: try row.decode("created_at"),
            preferences: ChannelPreferences(email: try row.decode("notify_by_email"), sms: try row.decode("notify_by_sms")),
            preferencesRevision: try row.decode("preferences_revision"))
    }

    /// A role of another version of Wharf grants nothing here.
    static func role(_ row: Row) throws -> Caller.Role {
        Caller.Role(rawValue: try row.decode("role")) ?? .customer
    }
}
