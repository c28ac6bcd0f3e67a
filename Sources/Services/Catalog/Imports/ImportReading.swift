import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// Imports as administrators look at them, and what becomes due by time.
extension Imports {
    /// Uploaded files that no import was requested for are dropped after this time.
    static let abandonedAfter: TimeInterval = 3_600
    /// What was imported, and what was not, is known for that long.
    static let retention: TimeInterval = 90 * 86_400
    /// An import that has not moved since is asked to go on: its message may be a dead letter.
    static let stalledAfter: TimeInterval = 120
    static let pollInterval: Duration = .seconds(30)
    /// At once.
    static let maximumFound = 20

    func get(_ items: [IncomingMessage<GetImport>], on connection: any SQLConnection) async throws -> [Outcome] {
        try await answer(items, on: connection) { job, _ in
            let rejections = try await ImportStore.rejections(of: job.id, after: 0, limit: ImportView.maximumRejections, on: connection)
            return try Reply(tagged: ImportView(job, rejected: rejections.map(\.rejection)))
        }
    }

    /// A page of all rejected rows as CSV; the first one begins with the header.
    func rejected(_ items: [IncomingMessage<GetImport>], on connection: any SQLConnection) async throws -> [Outcome] {
        try await answer(items, on: connection) { job, input in
            let found = try await ImportStore.rejections(of: job.id, after: input.after, limit: ImportStore.rejectionsInPage, on: connection)
            var text = CSVWriter()
            if input.after == 0 { text.add(["line", "column", "value", "reason"]) }
            for (_, rejection) in found { text.add(["\(rejection.line)", rejection.column ?? "", rejection.value ?? "", rejection.reason]) }
            let isLast = found.count < ImportStore.rejectionsInPage
            if isLast, job.unlisted > 0 { text.add(["", "", "", "\(job.unlisted) more were found, and are not listed"]) }
            var reply = Reply(status: 200, headers: ["content-type": CSVWriter.contentType], body: text.bytes)
            if !isLast, let last = found.last { reply.headers[Reply.nextPage] = "\(last.number)" }
            return reply
        }
    }

    /// 404 when the import does not exist.
    private func answer(
        _ items: [IncomingMessage<GetImport>], on connection: any SQLConnection, _ reply: (ImportJob, GetImport) async throws -> Reply
    ) async throws -> [Outcome] {
        let jobs = try await ImportStore.find(items.map(\.input.id), on: connection)
        var outcomes: [Outcome] = []
        for item in items {
            guard let job = jobs[item.input.id] else {
                outcomes.append(.refused(.notFound("import")))
                continue
            }
            outcomes.append(.done(try await reply(job, item.input)))
        }
        return outcomes
    }

    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        try await transaction.execute(
            """
            DELETE FROM import_pieces
            WHERE upload IN (
                SELECT upload FROM import_pieces
                WHERE place = 0 AND at < \(now.addingTimeInterval(-Self.abandonedAfter)) AND upload NOT IN (SELECT id FROM imports WHERE state = 'running')
                LIMIT \(Self.maximumFound))
            """)
        try await transaction.execute(
            """
            DELETE FROM imports WHERE id IN (
                SELECT id FROM imports WHERE finished_at < \(now.addingTimeInterval(-Self.retention)) LIMIT \(Self.maximumFound))
            """)
        let stalled = try await transaction.query(
            """
            UPDATE imports SET moved_at = \(now)
            WHERE id IN (
                SELECT id FROM imports WHERE state = 'running' AND moved_at < \(now.addingTimeInterval(-Self.stalledAfter))
                ORDER BY moved_at LIMIT \(Self.maximumFound) FOR UPDATE SKIP LOCKED)
            RETURNING id, step
            """)
        return try stalled.map { row in
            try OutgoingMessage(.request(MessageName.advanceImport), AdvanceImport(importID: try row.decode("id"), step: try row.decode("step")))
        }
    }
}
