import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Replays letters automatically while their cause or their group is on a list: one job for each group, or for each cause in a queue, which starts slowly and stops automatically like any other job.
struct AutomaticReplay: Sendable {
    static let interval: Duration = .seconds(30)
    /// The period, in seconds, over which the jobs of one filter are counted.
    static let span = 86_400.0
    /// The maximum of jobs started in one turn, those with the oldest letters first.
    static let maximumFound = 10
    /// Its name in the audit log.
    static let actor = "rule"

    private static let namespace = UUID(uuid: (0x91, 0x3c, 0x0d, 0x72, 0x5a, 0xe8, 0x4f, 0x16, 0xb2, 0x07, 0x6d, 0xf4, 0x1b, 0x89, 0xc5, 0x3e))

    let rule: DeadLetterRules.Replay?
    let clock: any WallClock

    /// The maximum of groups examined in one turn, those without new letters for the longest time first.
    static let maximumExamined = 1_000

    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        guard let rule, !rule.causes.isEmpty || !rule.groups.isEmpty else { return [] }
        // Without this lock, the lock for starting jobs would still let only one of two workers start a job, but the other one would wait for it.
        let lock = try await transaction.query("SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || 'rules', 0)) AS is_mine").first
        guard try lock?.decode("is_mine") == true else { return [] }
        let now = clock.now()
        var messages: [OutgoingMessage] = []
        for filter in try await filters(rule, now, on: transaction) where try await mayStart(filter, rule, now, on: transaction) {
            let order = JobOrder(action: .replay, filter: filter, startedBy: Self.actor)
            let name = filter.sorted { $0.key < $1.key }.map(\.value).joined(separator: " ")
            let id = UUID.v5(namespace: Self.namespace, name: "\(name) \(now.timeIntervalSince1970)")
            messages.append(try await Job.start(order, id: id, now: now, on: transaction).first)
        }
        return messages
    }

    /// The filters of letters that have waited long enough: a listed group, or a listed cause in one queue. The counts show which groups have open
    /// letters, and an index finds the oldest letter of each.
    private func filters(_ rule: DeadLetterRules.Replay, _ now: Date, on transaction: any SQLConnection) async throws -> [[String: String]] {
        let rows = try await transaction.query(
            """
            WITH waiting AS (
                SELECT groups.id, groups.cause, group_counts.queue, groups.id = ANY(\(rule.groups)) AS is_listed
                FROM groups JOIN group_counts ON group_counts.group_id = groups.id AND group_counts.state = 'open' AND group_counts.letters > 0
                WHERE (groups.cause = ANY(\(rule.causes)) OR groups.id = ANY(\(rule.groups))) AND group_counts.queue <> ''
                ORDER BY groups.last_seen_at LIMIT \(Self.maximumExamined)
            )
            SELECT listed_group, queue, cause
            FROM (
                SELECT CASE WHEN is_listed THEN id END AS listed_group, CASE WHEN NOT is_listed THEN queue END AS queue,
                       CASE WHEN NOT is_listed THEN cause END AS cause,
                       (
                           SELECT last_seen_at FROM letters
                           WHERE group_id = waiting.id AND state = 'open' AND letters.queue = waiting.queue
                           ORDER BY last_seen_at, id LIMIT 1
                       ) AS oldest
                FROM waiting
            ) AS found
            GROUP BY listed_group, queue, cause
            HAVING min(oldest) <= \(now.addingTimeInterval(-Double(rule.afterMinutes) * 60))
            ORDER BY min(oldest) LIMIT \(Self.maximumFound)
            """)
        return try rows.map { row in
            let group: UUID? = try row.decode("listed_group")
            if let group { return ["group": group.lowerCaseText] }
            return ["queue": try row.decode("queue"), "cause": try row.decode("cause")]
        }
    }

    /// True if no job with this filter is active and the limit of jobs is not reached. A stopped job waits for an operator.
    private func mayStart(_ filter: [String: String], _ rule: DeadLetterRules.Replay, _ now: Date, on transaction: any SQLConnection) async throws -> Bool {
        guard try await JobStore.running(on: transaction) < Jobs.maximum else { return false }
        let earlier = try await transaction.query(
            """
            SELECT count(*) FILTER (WHERE started_at > \(now.addingTimeInterval(-Self.span))) AS count,
                   count(*) FILTER (WHERE state IN ('running', 'stopped')) AS unfinished
            FROM jobs
            WHERE job_order ->> 'startedBy' = \(Self.actor) AND (job_order -> 'filter')::jsonb = \(JSONB(bytes: try JSON.encode(filter)))
            """
        ).first
        return try earlier?.decode("unfinished") == 0 && earlier?.decode("count") ?? 0 < rule.times
    }
}
