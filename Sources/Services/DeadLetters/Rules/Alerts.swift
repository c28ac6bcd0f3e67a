import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime

/// `deadletters.alerts.send` and `deadletters.alerts.run`: an alert for operators.
struct DeadLetterAlert: Sendable, Codable, Equatable {
    enum Kind: String, Sendable, Codable {
        /// Letters die of a cause that has not occurred in the queue for ``Alerts/memory``.
        case newCause
        /// Letters die of the cause at a high rate.
        case rate
    }

    let kind: Kind
    let queue: String
    let cause: String
    let operation: String
    /// Deaths in the last minute.
    let deaths: Int
    let at: Date
}

/// Detects new causes and high rates among the letters that have just died.
struct Alerts: Sendable {
    static let interval: Duration = .seconds(10)
    /// Seconds of letters that are examined: several intervals, so that nothing is missed while the database is unavailable.
    static let reach = 120.0
    /// Seconds after which a cause counts as new again.
    static let memory = 30 * 86_400.0
    /// Seconds between two alerts about the rate of one cause.
    static let pause = 3_600.0
    static let operations = [MessageName.sendAlert, MessageName.runAlertCommand]
    /// Alerts in one turn. The next turn continues.
    static let maximumFound = 20

    let rule: DeadLetterRules.Alert?
    let clock: any WallClock

    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        guard let rule else { return [] }
        // Two workers that look at the same time would both report a new cause.
        let lock = try await transaction.query("SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || 'alerts', 0)) AS is_mine").first
        guard try lock?.decode("is_mine") == true else { return [] }
        let now = clock.now()
        try await transaction.execute("DELETE FROM known_causes WHERE seen_at < \(now.addingTimeInterval(-Self.memory))")
        // An alert that cannot be sent becomes a dead letter, about which there must be no alert.
        let found = try await transaction.query(
            """
            WITH recent AS (
                SELECT queue, cause, coalesce(operation, '') AS operation, count(*) FILTER (WHERE last_seen_at > \(now.addingTimeInterval(-60))) AS deaths
                FROM letters
                WHERE last_seen_at > \(now.addingTimeInterval(-Self.reach)) AND coalesce(operation, '') <> ALL (\(Self.operations))
                GROUP BY queue, cause, coalesce(operation, '')
            ), worth AS (
                SELECT recent.*, known.queue IS NULL AS is_new,
                       \(rule.rate) > 0 AND deaths >= \(rule.rate)
                           AND (known.alerted_at IS NULL OR known.alerted_at < \(now.addingTimeInterval(-Self.pause))) AS is_fast
                FROM recent LEFT JOIN known_causes AS known USING (queue, cause, operation)
            ), chosen AS (
                SELECT * FROM worth WHERE is_new OR is_fast ORDER BY queue, cause, operation LIMIT \(Self.maximumFound)
            ), kept AS (
                INSERT INTO known_causes AS known (queue, cause, operation, seen_at, alerted_at)
                SELECT queue, cause, operation, \(now), CASE WHEN is_fast THEN \(now)::timestamptz END FROM chosen
                UNION ALL SELECT queue, cause, operation, \(now), NULL FROM worth WHERE NOT is_new AND NOT is_fast
                ORDER BY queue, cause, operation
                ON CONFLICT (queue, cause, operation) DO UPDATE
                SET seen_at = excluded.seen_at, alerted_at = coalesce(excluded.alerted_at, known.alerted_at)
                RETURNING queue, cause, operation, alerted_at
            )
            SELECT chosen.queue, chosen.cause, chosen.operation, deaths, is_new, is_fast FROM chosen ORDER BY 1, 2, 3
            """)
        return try found.flatMap { row in
            var kinds: [DeadLetterAlert.Kind] = []
            if try row.decode("is_new") { kinds.append(.newCause) }
            if try row.decode("is_fast") { kinds.append(.rate) }
            return try kinds.flatMap { kind in
                let alert = DeadLetterAlert(
                    kind: kind, queue: try row.decode("queue"), cause: try row.decode("cause"), operation: try row.decode("operation"),
                    deaths: try row.decode("deaths"), at: now)
                return try ways(rule).map { try OutgoingMessage(.request($0), alert) }
            }
        }
    }

    /// The operations that deliver an alert.
    private func ways(_ rule: DeadLetterRules.Alert) -> [String] {
        [rule.webhook.map { _ in MessageName.sendAlert }, rule.command.map { _ in MessageName.runAlertCommand }].compactMap(\.self)
    }
}
