import FoundationEssentials
import PostgreSQL

/// The letters of jobs. All functions run in the transaction of a step.
enum JobLetters {
    /// Letters that one step examines for matches of the filter.
    static let selectionWindow = 2_000
    /// Total size of the bodies that one step replays, unless a single one is larger.
    static let maximumBytes = 16 << 20
    /// Outcomes learned in one step.
    static let maximumLearned = 2_000
    /// Seconds after which the outcome of a replay counts as unknown if no service can be asked about it.
    static let patience = 60.0

    /// Why a letter was skipped.
    enum Skip: String {
        /// It is not in the state that the job acts on.
        case decided
        /// It has died again since it was selected, so that this is another death.
        case returned
        case incomplete
        case pastMemory
        case reconcile
        /// It is no longer stored.
        case gone
    }

    /// Adds the next letters that match the filter; returns their number and where the next step continues. A letter that dies after the job's
    /// start is not selected.
    static func select(_ job: Job, on transaction: any SQLConnection) async throws -> JobEvent {
        let from = job.course.position
        var range: SQL = " AND last_seen_at <= \(job.startedAt)"
        if let from { range += " AND (last_seen_at, id) > (\(Date(timeIntervalSince1970: from.seconds)), \(from.id))" }
        let candidates = DeadLetterStore.matching(DeadLetterFilter(state: job.order.action.selects))
        let last = try await transaction.query(
            "SELECT last_seen_at, id FROM letters \(candidates)\(range) ORDER BY last_seen_at, id OFFSET \(selectionWindow - 1) LIMIT 1"
        ).first
        var position: JobCourse.Position?
        if let last {
            let (at, id): (Date, UUID) = (try last.decode("last_seen_at"), try last.decode("id"))
            position = JobCourse.Position(seconds: at.timeIntervalSince1970, id: id)
            range += " AND (last_seen_at, id) <= (\(at), \(id))"
        }
        let count = try await transaction.execute(
            """
            INSERT INTO job_letters (job_id, letter_id, seen)
            SELECT \(job.id), id, seen FROM letters \(DeadLetterStore.matching(try job.order.letters()))\(range)
            ORDER BY last_seen_at, id
            ON CONFLICT DO NOTHING
            """)
        return .selected(count, position: position)
    }

    /// The next selected letters, locked. Letters that another transaction holds are left for a later step: a job never waits for a lock, so it cannot be part of
    /// a deadlock.
    static func take(_ job: Job, limit: Int, on transaction: any SQLConnection) async throws -> (letters: [UUID], skips: [UUID: Skip]) {
        let waiting = try await transaction.query(
            "SELECT letter_id, seen FROM job_letters WHERE job_id = \(job.id) AND state = 'waiting' ORDER BY place LIMIT \(limit)"
        ).map { (id: try $0.decode("letter_id", as: UUID.self), seen: try $0.decode("seen", as: Int.self)) }
        let rows = try await transaction.query(
            "SELECT id, seen, body_bytes FROM letters WHERE id = ANY(\(waiting.map(\.id))) ORDER BY id FOR UPDATE SKIP LOCKED")
        var locked: [UUID: (seen: Int, bytes: Int)] = [:]
        for row in rows { locked[try row.decode("id")] = (try row.decode("seen"), try row.decode("body_bytes")) }
        let missing = waiting.map(\.id).filter { locked[$0] == nil }
        let held = missing.isEmpty ? [] : try await Set(transaction.query("SELECT id FROM letters WHERE id = ANY(\(missing))").map { try $0.decode("id", as: UUID.self) })
        var letters: [UUID] = []
        var skips: [UUID: Skip] = [:]
        for id in missing where !held.contains(id) { skips[id] = .gone }
        var bytes = 0
        for item in waiting {
            guard let letter = locked[item.id] else { continue }
            guard letter.seen == item.seen else {
                skips[item.id] = .returned
                continue
            }
            bytes += job.order.action == .replay ? letter.bytes : 0
            guard letters.isEmpty || bytes <= maximumBytes else { break }
            letters.append(item.id)
        }
        return (letters, skips)
    }

    /// Locks everything that several jobs in one transaction will count, in the order that all transactions use. The jobs' own statements would lock it job by job, and
    /// two such transactions could deadlock. Letters are locked later, but a job never waits for a letter's lock.
    static func lockCounts(of jobs: [Job], on transaction: any SQLConnection) async throws {
        guard jobs.count > 1 else { return }
        let groups = try await transaction.query(
            """
            SELECT id FROM groups
            WHERE id IN (
                SELECT group_id
                FROM unnest(\(jobs.map(\.id))) AS job (id)
                CROSS JOIN LATERAL (
                    SELECT letter_id FROM job_letters WHERE job_id = job.id AND state = 'waiting' ORDER BY place LIMIT \(JobCourse.maximumDecided)
                ) AS next
                JOIN letters ON letters.id = next.letter_id
            )
            ORDER BY id FOR UPDATE
            """
        ).map { try $0.decode("id", as: UUID.self) }
        try await transaction.execute(
            "SELECT FROM group_counts WHERE group_id = ANY(\(groups)) ORDER BY group_id, queue, state FOR UPDATE")
    }

    /// Records what was done with letters.
    static func note(_ states: [UUID: String], of job: Job, at now: Date, on transaction: any SQLConnection) async throws {
        guard !states.isEmpty else { return }
        try await transaction.execute(
            """
            UPDATE job_letters SET state = new.state, acted_at = \(now)
            FROM unnest(\(Array(states.keys)), \(Array(states.values))) AS new (id, state)
            WHERE job_id = \(job.id) AND letter_id = new.id
            """)
    }

    /// The known outcomes of the letters that the job has replayed. If a letter died again, later events do not matter.
    static func learn(_ job: Job, now: Date, on transaction: any SQLConnection) async throws -> JobOutcomes {
        let states = try await transaction.query(
            """
            WITH known AS (
                SELECT job_letters.letter_id,
                       CASE WHEN letters.seen > job_letters.seen THEN 'diedAgain' WHEN letters.state = 'handled' THEN 'handled' ELSE 'unknown' END AS outcome
                FROM job_letters
                LEFT JOIN letters ON letters.id = job_letters.letter_id
                LEFT JOIN replays ON replays.letter_id = job_letters.letter_id
                WHERE job_letters.job_id = \(job.id) AND job_letters.state = 'sent'
                  AND (letters.seen > job_letters.seen OR letters.state = 'handled' OR letters.id IS NULL
                       OR replays.letter_id IS NULL AND job_letters.acted_at <= \(now.addingTimeInterval(-patience)))
                LIMIT \(maximumLearned)
            )
            UPDATE job_letters SET state = known.outcome FROM known
            WHERE job_letters.job_id = \(job.id) AND job_letters.letter_id = known.letter_id
            RETURNING job_letters.state
            """
        ).map { try $0.decode("state", as: String.self) }
        let handled = states.count { $0 == "handled" }
        let diedAgain = states.count { $0 == "diedAgain" }
        return JobOutcomes(handled: handled, diedAgain: diedAgain, unknown: states.count - handled - diedAgain)
    }
}
