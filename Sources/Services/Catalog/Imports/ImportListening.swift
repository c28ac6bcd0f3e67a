import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// The imports of a list, newest first.
struct ListImports: Sendable {
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListImports {
        try Fields.read(request) { fields in
            let page = fields.page()
            return ListImports(page: page, after: fields.position(page))
        }
    }
}

/// An import's progress for a client that listens to it.
struct ListenToImport: Sendable {
    let id: UUID
    /// The last step that the client has seen; -1 for none.
    let after: Int

    static func read(_ request: Request) throws -> ListenToImport {
        try Fields.read(request) { fields in
            ListenToImport(id: try fields.uuidParameter("id", of: "import"), after: fields.lastEvent())
        }
    }
}

extension Imports {
    func list(_ items: [IncomingMessage<ListImports>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let jobs = try await ImportStore.list(after: item.input.after, limit: item.input.page.limit + 1, on: connection)
            let page = try Page(jobs, item.input.page, item: { ImportSummary($0) }, key: { PageRequest.key($0.startedAt, $0.id) })
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }

    /// The import's current progress, if the client does not have it yet; earlier events are left out, because the latest includes them. The id of an event is the import's
    /// step. A client that has the last event of an import gets 204, after which browsers do not reconnect.
    func events(_ items: [IncomingMessage<ListenToImport>], on connection: any SQLConnection) async throws -> [Outcome] {
        let jobs = try await ImportStore.find(items.map(\.input.id), on: connection)
        return try items.map { item in
            guard let job = jobs[item.input.id] else { return .refused(.notFound("import")) }
            let isRunning = job.state == .running
            if item.input.after == job.step, !isRunning { return .done(.noContent) }
            var events = EventText()
            if item.input.after != job.step { try events.add(job.step, ImportSummary(job)) }
            return .done(events.reply(last: isRunning ? job.step : nil))
        }
    }

    /// `catalog.imports.versions`
    func versions(_ items: [IncomingMessage<VersionsQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        try await VersionsQuery.answer(items) { ids in
            let rows = try await connection.query("SELECT id, step FROM imports WHERE id = ANY(\(ids))")
            return try Dictionary(rows.map { (try $0.decode("id"), try $0.decode("step")) }, uniquingKeysWith: { first, _ in first })
        }
    }
}
