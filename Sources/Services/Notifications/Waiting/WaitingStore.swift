public import FoundationEssentials
public import PostgreSQL

/// The table of notifications whose latest attempt has failed. In a healthy shop it is empty, and costs an outcome no more than a look-up.
public enum WaitingStore {
    /// A notification that has not been attempted for this many seconds is no longer on the retry ladder, whose last rung takes 12 minutes: its event is a dead letter.
    public static let longestRung = 900.0
    /// Removed at once.
    static let maximumRemoved = 1_000
    /// The latest attempts among which the reason of each channel is looked for.
    private static let latest = 100

    /// By channel, except the notifications in `ids`.
    public static func read(at now: Date, without ids: [UUID] = [], on connection: any SQLConnection) async throws -> [WaitingNotifications] {
        let start = now.addingTimeInterval(-longestRung)
        let results = try await connection.pipeline([
            """
            SELECT channel, count(*) AS count, min(since) AS since FROM waiting
            WHERE attempted_at > \(start) AND NOT id = ANY(\(ids))
            GROUP BY channel ORDER BY channel
            """,
            """
            SELECT DISTINCT ON (channel) channel, detail
            FROM (SELECT channel, detail, attempted_at FROM waiting ORDER BY attempted_at DESC LIMIT \(latest)) AS latest
            ORDER BY channel, attempted_at DESC
            """,
        ])
        guard let counts = results.first, let details = results.last else { return [] }
        let reasons: [String: String] = try Dictionary(details.map { (try $0.decode("channel"), try $0.decode("detail")) }, uniquingKeysWith: { first, _ in first })
        return try counts.map { row in
            let channel: String = try row.decode("channel")
            return WaitingNotifications(
                channel: channel, count: try row.decode("count"), since: try row.decode("since"), reason: reasons[channel] ?? "")
        }
    }

    /// Removes notifications that no longer wait.
    static func removeStale(at now: Date, on connection: any SQLConnection) async throws {
        let end = now.addingTimeInterval(-longestRung)
        _ = try await connection.query(
            """
            DELETE FROM waiting
            WHERE id IN (SELECT id FROM waiting WHERE attempted_at <= \(end) ORDER BY id LIMIT \(maximumRemoved) FOR UPDATE SKIP LOCKED)
            """)
    }

    /// A server's answer can name the recipient.
    /// - Parameter selected: a condition on notifications.
    static func erase(_ selected: SQL, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("UPDATE waiting SET detail = '' WHERE id IN (SELECT id FROM notifications WHERE " + selected + ")")
    }

    /// - Parameter attempts: in the order of their ids.
    static func record(_ attempts: [(key: UUID, value: Store.Attempt)], now: Date, on transaction: any SQLConnection) async throws {
        let delayed = attempts.compactMap { id, attempt -> (UUID, String)? in
            if case .delayed(let reason) = attempt { (id, reason) } else { nil }
        }
        let settled = attempts.compactMap { id, attempt -> UUID? in
            if case .delayed = attempt { nil } else { id }
        }
        if !settled.isEmpty { try await transaction.enqueue("DELETE FROM waiting WHERE id = ANY(\(settled))") }
        guard !delayed.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO waiting (id, channel, since, attempted_at, detail)
            SELECT id, channel, created_at, \(now), attempt.reason
            FROM unnest(\(delayed.map(\.0)), \(delayed.map(\.1))) AS attempt (of, reason) JOIN notifications ON id = attempt.of
            WHERE result <> 'sent'
            ORDER BY id
            ON CONFLICT (id) DO UPDATE SET attempted_at = EXCLUDED.attempted_at, detail = EXCLUDED.detail
            """)
    }
}
