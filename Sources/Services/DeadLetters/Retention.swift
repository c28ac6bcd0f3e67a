import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// Deletes settled letters, and the counts of groups without letters. Open letters are never deleted; the audit log has a separate retention (``AuditLog``).
struct Retention: Sendable {
    /// How many days a letter is kept after it was settled: longer than services remember what they have handled, and long enough for a month's accounts.
    static let days = 35
    /// How long the counts of an hour are kept: the last 24 are shown.
    static let hours = 48.0
    static let interval: Duration = .seconds(60)
    /// Letters deleted in one turn: 1.4 million a day, in short transactions.
    static let portion = 1_000

    let clock: any WallClock

    func work(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        let end = now.addingTimeInterval(-Double(Self.days) * 86_400)
        try await transaction.execute(
            """
            DELETE FROM letters
            WHERE id IN (
                SELECT id FROM letters
                WHERE settled_at < \(end) AND state <> 'open'
                ORDER BY settled_at LIMIT \(Self.portion) FOR UPDATE SKIP LOCKED
            )
            """)
        _ = try await transaction.pipeline([
            "DELETE FROM group_hours WHERE hour < \(now.addingTimeInterval(-Self.hours * 3_600))",
            // A group with a name, a note or a state set by an operator is kept, in case its cause returns.
            """
            WITH gone AS (
                DELETE FROM groups
                WHERE id IN (
                    SELECT id FROM groups
                    WHERE last_seen_at < \(end) AND name IS NULL AND note IS NULL AND state = 'open'
                      AND NOT EXISTS (SELECT FROM letters WHERE group_id = groups.id)
                    ORDER BY id LIMIT \(Self.portion) FOR UPDATE SKIP LOCKED
                )
                RETURNING id
            ), uncounted AS (
                DELETE FROM group_counts WHERE group_id IN (SELECT id FROM gone)
            )
            DELETE FROM group_orders WHERE group_id IN (SELECT id FROM gone)
            """,
        ])
        return []
    }
}
