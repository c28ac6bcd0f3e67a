import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// Which entries of the audit log to list; nil matches any.
struct ListAudit: Sendable {
    /// A person's e-mail address, or an actor as the log has it.
    let actor: String?
    let action: String?
    let since: Date?
    let page: PageRequest
    /// The last entry of the previous page.
    let before: (at: Date, number: Int)?

    static func read(_ request: Request) throws -> ListAudit {
        try Fields.read(request) { fields in
            let actor = fields.optionalParameter("actor", DeadLetterFilter.nameLength)
            let action = fields.optionalParameter("action", DeadLetterFilter.nameLength)
            let since = fields.timeParameter("since")
            let page = fields.page()
            let before: (Date, Int)? = fields.position(page) { key in
                guard key.count == 2, let seconds = key.first.flatMap({ Double($0) }), seconds.isFinite, let number = key.last.flatMap({ Int($0) }) else { return nil }
                return (Date(timeIntervalSince1970: seconds), number)
            }
            return ListAudit(actor: actor, action: action, since: since, page: page, before: before)
        }
    }

    /// Whether to leave out the collector's entries. The collector writes nearly all entries, so they are left out unless a filter asks for them.
    var leavesCollectorOut: Bool {
        if let actor { return actor != DeadLetterStore.collector }
        return action.map { !["arrived", "returned"].contains($0) } ?? true
    }
}

struct AuditEntryView: Sendable, Codable {
    let at: Date
    let actor: String
    let action: String
    let letter: String?
    let group: String?
    let job: String?
    let detail: String?
}

/// The audit log for administrators, newest first.
struct AuditLog: Sendable {
    static let interval: Duration = .seconds(3600)

    /// Creates the partitions of the next months, and drops those past their retention. Entries are removed in no other way.
    static func keep(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await transaction.execute("SELECT keep_audit()")
        return []
    }

    func list(_ items: [IncomingMessage<ListAudit>], on connection: any SQLConnection) async throws -> [Outcome] {
        let results = try await connection.pipeline(items.map { Self.listing($0.input) })
        return try zip(items, results).map { item, rows in
            let found = try rows.map { (number: try $0.decode("number", as: Int.self), view: try Self.view($0)) }
            return .done(try Reply(json: try Page(found, item.input.page, item: \.view) { [String($0.view.at.timeIntervalSince1970), String($0.number)] }))
        }
    }

    private static func listing(_ list: ListAudit) -> SQL {
        var sql: SQL = "SELECT number, at, actor, action, letter_id, group_id, job_id, detail FROM audit WHERE true"
        // As a literal it lets the planner use the index without the collector.
        if list.leavesCollectorOut { sql += " AND actor <> '\(raw: DeadLetterStore.collector)'" }
        if let actor = list.actor { sql += " AND (actor = \(actor) OR starts_with(actor, \(actor + " (")))" }
        if let action = list.action { sql += " AND action = \(action)" }
        if let since = list.since { sql += " AND at >= \(since)" }
        if let before = list.before { sql += " AND (at, number) < (\(before.at), \(before.number))" }
        return sql + " ORDER BY at DESC, number DESC LIMIT \(list.page.limit + 1)"
    }

    private static func view(_ row: Row) throws -> AuditEntryView {
        func id(_ column: String) throws -> String? {
            let id: UUID? = try row.decode(column)
            return id?.lowerCaseText
        }
        return AuditEntryView(
            at: try row.decode("at"), actor: try row.decode("actor"), action: try row.decode("action"), letter: try id("letter_id"), group: try id("group_id"),
            job: try id("job_id"), detail: try row.decode("detail"))
    }
}
