import FoundationEssentials
import Messaging
import PostgreSQL

struct LinkRow: Sendable {
    let id: UUID
    let userID: UUID
    let purpose: LinkPurpose
    /// The address that it was sent to; for a change of address the new one.
    let email: String
    let expiresAt: Date
}

extension Store {
    /// Links of one purpose that an account may request in an hour: enough for a user who misses a mail, and too few to flood a stranger's mailbox.
    static let maximumLinks = 5
    static let linkWindow: TimeInterval = 3_600

    /// Replaces the account's last link of this purpose, unless the account has had too many. The account is locked.
    static func put(_ link: LinkRow, now: Date, on transaction: any SQLConnection) async throws -> Bool {
        let start = now.addingTimeInterval(-linkWindow)
        let rows = try await transaction.query(
            """
            INSERT INTO links (user_id, purpose, id, email, created_at, expires_at, counted_since, count)
            VALUES (\(link.userID), \(link.purpose.rawValue), \(link.id), \(link.email), \(now), \(link.expiresAt), \(now), 1)
            ON CONFLICT (user_id, purpose) DO UPDATE
            SET id = excluded.id, email = excluded.email, created_at = excluded.created_at, expires_at = excluded.expires_at, token_hash = NULL,
                counted_since = CASE WHEN links.counted_since > \(start) THEN links.counted_since ELSE excluded.counted_since END,
                count = CASE WHEN links.counted_since > \(start) THEN links.count + 1 ELSE 1 END
            WHERE links.counted_since <= \(start) OR links.count < \(maximumLinks)
            RETURNING id
            """)
        return !rows.isEmpty
    }

    /// Returns the links that are still wanted; from now on a token with this hash opens each of them, and no other token does.
    static func arm(_ links: [(id: UUID, tokenHash: [UInt8])], now: Date, on transaction: any SQLConnection) async throws -> Set<UUID> {
        let rows = try await transaction.query(
            """
            UPDATE links SET token_hash = armed.token_hash
            FROM (
                SELECT links.user_id, links.purpose, new.token_hash
                FROM unnest(\(links.map(\.id)), \(links.map(\.tokenHash))) AS new (id, token_hash)
                JOIN links ON links.id = new.id AND expires_at > \(now)
                ORDER BY links.user_id, links.purpose FOR UPDATE OF links
            ) AS armed
            WHERE links.user_id = armed.user_id AND links.purpose = armed.purpose
            RETURNING links.id
            """)
        return try Set(rows.map { try $0.decode("id") })
    }

    static func links(
        _ tokenHashes: [[UInt8]], for purposes: [LinkPurpose], now: Date, on connection: any SQLConnection
    ) async throws -> [[UInt8]: LinkRow] {
        let rows = try await connection.query(
            """
            SELECT token_hash, id, user_id, purpose, email, expires_at FROM links
            WHERE token_hash = ANY(\(tokenHashes)) AND purpose = ANY(\(purposes.map(\.rawValue))) AND expires_at > \(now)
            """)
        var links: [[UInt8]: LinkRow] = [:]
        for row in rows {
            guard let purpose = LinkPurpose(rawValue: try row.decode("purpose")) else { continue }
            links[try row.decode("token_hash")] = LinkRow(
                id: try row.decode("id"), userID: try row.decode("user_id"), purpose: purpose, email: try row.decode("email"),
                expiresAt: try row.decode("expires_at"))
        }
        return links
    }

    /// The links that these tokens open and their accounts, with the accounts locked: no other transaction uses one of them meanwhile.
    static func lockedLinks(
        _ tokenHashes: [[UInt8]], for purposes: [LinkPurpose], now: Date, on transaction: any SQLConnection
    ) async throws -> (links: [[UInt8]: LinkRow], accounts: [UUID: AccountRow]) {
        let found = try await links(tokenHashes, for: purposes, now: now, on: transaction)
        let accounts = try await lockedAccounts(found.values.map(\.userID), on: transaction)
        return (try await links(tokenHashes, for: purposes, now: now, on: transaction), accounts)
    }

    /// Ends the account's link of this purpose, so that neither its token nor a mail in transit opens it. It still counts as requested.
    static func endLinks(_ purposes: [LinkPurpose], of users: [UUID], now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            UPDATE links SET token_hash = NULL, expires_at = \(now)
            WHERE user_id = ANY(\(users)) AND purpose = ANY(\(purposes.map(\.rawValue)))
            """)
    }
}
