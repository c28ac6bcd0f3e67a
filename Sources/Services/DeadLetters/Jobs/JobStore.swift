import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

enum JobStore {
    private static let columns: SQL = "id, job_order::text AS job_order, course::text AS course, step, started_at"

    static func insert(_ job: Job, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            INSERT INTO jobs (id, state, job_order, course, due_at, started_at)
            VALUES (\(job.id), \(job.course.state.rawValue), \(try text(job.order))::text::json, \(try text(job.course))::text::json, \(job.startedAt), \(job.startedAt))
            """)
    }

    /// Records an action on a job.
    static func record(_ action: String, _ job: Job, by actor: String, detail: String? = nil, now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            "INSERT INTO audit (job_id, at, actor, action, detail) VALUES (\(job.id), \(now), \(actor), \(action), \(detail))")
    }

    /// The number of jobs that are running or stopped. No other transaction can start a job until this one ends, so concurrent starts cannot exceed the limit.
    static func running(on transaction: any SQLConnection) async throws -> Int {
        try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || 'jobs', 0))")
        return try await transaction.query("SELECT count(*) AS count FROM jobs WHERE state IN ('running', 'stopped')").first?.decode("count") ?? 0
    }

    static func find(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: Job] {
        try await jobs("WHERE id = ANY(\(ids))", on: connection)
    }

    /// In one order, so that two batches cannot deadlock.
    static func lock(_ ids: [UUID], on transaction: any SQLConnection) async throws -> [UUID: Job] {
        try await jobs("WHERE id = ANY(\(ids)) ORDER BY id FOR UPDATE", on: transaction)
    }

    /// Newest first.
    static func list(_ state: JobCourse.State?, after: (Date, UUID)?, limit: Int, on connection: any SQLConnection) async throws -> [Job] {
        var sql: SQL = "SELECT \(columns) FROM jobs WHERE true"
        if let state { sql += " AND state = \(state.rawValue)" }
        if let after { sql += " AND (started_at, id) < (\(after.0), \(after.1))" }
        return try await connection.query(sql + " ORDER BY started_at DESC, id DESC LIMIT \(limit)").map(job)
    }

    /// - Parameter dueAt: nil after the last step.
    static func save(_ job: Job, dueAt: Date?, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            UPDATE jobs
            SET state = \(job.course.state.rawValue), course = \(try text(job.course))::text::json, step = \(job.step), due_at = \(dueAt),
                finished_at = \(job.course.finishedAt)
            WHERE id = \(job.id)
            """)
    }

    /// Jobs whose next steps are due. No other worker takes these steps before the lease ends.
    static func takeDue(_ limit: Int, now: Date, lease: Double, on transaction: any SQLConnection) async throws -> [(id: UUID, step: Int)] {
        try await transaction.query(
            """
            UPDATE jobs SET due_at = \(now.addingTimeInterval(lease))
            WHERE id IN (SELECT id FROM jobs WHERE due_at <= \(now) ORDER BY due_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING id, step
            """
        ).map { (try $0.decode("id"), try $0.decode("step")) }
    }

    /// Deletes the letters of jobs that ended before `end`, and then the jobs; at most `limit` rows of each.
    static func drop(endedBefore end: Date, limit: Int, on transaction: any SQLConnection) async throws -> Int {
        let letters = try await transaction.execute(
            """
            DELETE FROM job_letters WHERE (job_id, letter_id) IN (
                SELECT job_id, letter_id FROM job_letters JOIN jobs ON jobs.id = job_id WHERE finished_at < \(end) LIMIT \(limit))
            """)
        guard letters < limit else { return letters }
        return try await letters
            + transaction.execute("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < \(end) LIMIT \(limit))")
    }

    private static func jobs(_ condition: SQL, on connection: any SQLConnection) async throws -> [UUID: Job] {
        let found = try await connection.query("SELECT \(columns) FROM jobs \(condition)").map(job)
        return Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func job(_ row: Row) throws -> Job {
        Job(
            id: try row.decode("id"), order: try JSON.decode(from: Array(try row.decode("job_order", as: String.self).utf8)),
            course: try JSON.decode(from: Array(try row.decode("course", as: String.self).utf8)), step: try row.decode("step"),
            startedAt: try row.decode("started_at"))
    }

    private static func text(_ value: some Encodable) throws -> String { String(decoding: try JSON.encode(value), as: UTF8.self) }
}
