import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Replays letters automatically while their cause is on a list: one job for each cause in a queue, which starts slowly and stops automatically like any other job.
struct AutomaticReplay: Sendable {
    static let interval: Duration = .seconds(30)
    /// Seconds within which the jobs of one cause in one queue are counted.
    static let span = 86_400.0
    /// Causes examined in one turn: those whose letters have waited longest.
    static let maximumFound = 10
    /// Its name in the audit log.
    static let actor = "rule"

    private static let namespace = UUID(uuid: (0x91, 0x3c, 0x0d, 0x72, 0x5a, 0xe8, 0x4f, 0x16, 0xb2, 0x07, 0x6d, 0xf4, 0x1b, 0x89, 0xc5, 0x3e))

    let rule: DeadLetterRules.Replay?
    let clock: any WallClock

    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        guard let rule, !rule.causes.isEmpty else { return [] }
        // Two workers that look at the same time would both start a job.
        let lock = try await transaction.query("SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || 'rules', 0)) AS is_mine").first
        guard try lock?.decode("is_mine") == true else { return [] }
        let now = clock.now()
        let due = try await transaction.query(
            """
            SELECT queue, cause FROM letters
            WHERE state = 'open' AND cause = ANY(\(rule.causes))
            GROUP BY queue, cause
            HAVING min(last_seen_at) <= \(now.addingTimeInterval(-Double(rule.afterMinutes) * 60))
            ORDER BY min(last_seen_at) LIMIT \(Self.maximumFound)
            """)
        var messages: [OutgoingMessage] = []
        for row in due {
            let (queue, cause): (String, String) = (try row.decode("queue"), try row.decode("cause"))
            guard !queue.isEmpty, try await mayStart(queue, cause, rule, now, on: transaction) else { continue }
            let order = JobOrder(action: .replay, filter: ["queue": queue, "cause": cause], startedBy: Self.actor)
            let id = UUID.v5(namespace: Self.namespace, name: "\(queue) \(cause) \(now.timeIntervalSince1970)")
            messages.append(try await Job.start(order, id: id, now: now, on: transaction).first)
        }
        return messages
    }

    /// Whether no job of this cause is active and the limit of jobs is not reached. A stopped job waits for an operator.
    private func mayStart(_ queue: String, _ cause: String, _ rule: DeadLetterRules.Replay, _ now: Date, on transaction: any SQLConnection) async throws -> Bool {
        guard try await JobStore.running(on: transaction) < Jobs.maximum else { return false }
        let earlier = try await transaction.query(
            """
            SELECT count(*) FILTER (WHERE started_at > \(now.addingTimeInterval(-Self.span))) AS count,
                   count(*) FILTER (WHERE state IN ('running', 'stopped')) AS unfinished
            FROM jobs
            WHERE job_order ->> 'startedBy' = \(Self.actor)
              AND job_order -> 'filter' ->> 'queue' = \(queue) AND job_order -> 'filter' ->> 'cause' = \(cause)
            """
        ).first
        return try earlier?.decode("unfinished") == 0 && earlier?.decode("count") ?? 0 < rule.times
    }
}
