import Contracts
public import FoundationEssentials
import JSON
import Messaging
public import PostgreSQL
public import Runtime
import Secrets

extension UsersService {
    /// Ensures that there is an administrator who can sign in with this password, and returns the account's id. Changes nothing if
    /// there is one already; otherwise the account of that address becomes one, gets the password, and its sessions end.
    ///
    /// `database` leads to this service's schema. Throws a `Problem` when address or password would be rejected from a customer, too;
    /// `SecretsError`, `PostgresError`.
    @discardableResult
    public static func ensureAdmin(
        email: String, password: String, name: String = "Administrator", on database: any Database, clock: any WallClock,
        randomness: any Randomness
    ) async throws -> UUID {
        let body = try JSON.encode(["email": email, "password": password, "name": name])
        let input = try NewAccount.read(Request(id: randomness.uuid(), operation: "users.accounts.create", body: body))
        let key = input.email.key
        let existing = try await database.withConnection { try await Store.accounts(byEmail: [key], on: $0)[key] }
        let threads = PasswordThreads(count: 1)
        if let existing {
            let isRight = await threads.map([existing.passwordHash]) { PasswordHash.verify(input.password, against: $0) } == [true]
            if isRight, existing.role == .admin, !existing.disabled { return existing.id }
        }
        let hash = try await threads.map([input.password]) { password in Result { try PasswordHash.hash(password) } }[0].get()
        let account = AccountRow(
            id: randomness.uuid(), email: input.email.text, name: input.name, passwordHash: hash, role: .admin, verified: true,
            disabled: false, createdAt: clock.now())
        return try await database.transaction { try await Store.promote(account, on: $0) }
    }
}

extension Store {
    static func promote(_ account: AccountRow, on transaction: any SQLConnection) async throws -> UUID {
        let key = EmailAddress.key(of: account.email)
        let results = try await transaction.pipeline([
            """
            INSERT INTO accounts (id, email, email_key, name, password_hash, role, verified, created_at)
            VALUES (\(account.id), \(account.email), \(key), \(account.name), \(account.passwordHash), 'admin', true, \(account.createdAt))
            ON CONFLICT (email_key) DO UPDATE
            SET password_hash = excluded.password_hash, renewed_from = NULL, role = 'admin', verified = true, disabled = false
            RETURNING id
            """,
            "DELETE FROM sessions USING accounts WHERE accounts.id = user_id AND email_key = \(key)",
        ])
        guard let row = results[0].first else { throw PostgresError(.protocolViolation, "the administrator's account was not returned") }
        return try row.decode("id")
    }
}
