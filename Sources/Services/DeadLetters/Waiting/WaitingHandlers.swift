import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

struct ListWaiting: Sendable {
    let filter: WaitingFilter
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListWaiting {
        try Fields.read(request) { fields in
            let filter = WaitingFilter.read(&fields)
            let page = fields.page()
            return ListWaiting(filter: filter, page: page, after: fields.position(page))
        }
    }
}

extension WaitingFilter {
    static func read(_ fields: inout Fields) -> WaitingFilter {
        WaitingFilter(
            id: fields.optionalUUIDParameter("id"), service: fields.optionalParameter("service", DeadLetterFilter.nameLength),
            operation: fields.optionalParameter("operation", DeadLetterFilter.nameLength), queue: fields.optionalParameter("queue", DeadLetterFilter.nameLength),
            cause: fields.optionalParameter("cause", DeadLetterFilter.nameLength), order: fields.optionalUUIDParameter("order"))
    }

    fileprivate static func read(members fields: inout Fields) -> WaitingFilter {
        WaitingFilter(
            id: fields.optionalUUID("id"), service: fields.optionalText("service", DeadLetterFilter.nameLength),
            operation: fields.optionalText("operation", DeadLetterFilter.nameLength), queue: fields.optionalText("queue", DeadLetterFilter.nameLength),
            cause: fields.optionalText("cause", DeadLetterFilter.nameLength), order: fields.optionalUUID("order"))
    }

    /// For the audit log.
    var text: String {
        let parts = [
            ("id", id?.lowerCaseText), ("service", service), ("operation", operation), ("queue", queue), ("cause", cause), ("order", order?.lowerCaseText),
        ].compactMap { name, value in value.map { "\(name) \($0)" } }
        return parts.isEmpty ? "all" : parts.joined(separator: ", ")
    }
}

struct SendWaiting: Sendable {
    let filter: WaitingFilter
    let dryRun: Bool

    static func read(_ request: Request) throws -> SendWaiting {
        try Fields.read(request) { fields in
            SendWaiting(filter: fields.object("filter") { WaitingFilter.read(members: &$0) }, dryRun: fields.optionalBoolean("dryRun") ?? false)
        }
    }
}

/// The operations on the retry ladder for administrators.
struct WaitingHandlers: Sendable {
    /// Its name in the audit log.
    static let action = "sent"
    static let interval: Duration = .seconds(1)
    /// The maximum of copies that one worker sends in a turn, so that a service that has just become available does not receive all of them at once.
    static let portion = 500
    /// The maximum of rows removed in a turn: more than workers can set aside in that time.
    static let maximumDropped = 10_000

    let clock: any WallClock

    func list(_ items: [IncomingMessage<ListWaiting>], on connection: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let results = try await connection.pipeline(
            items.flatMap { [WaitingStore.listing($0.input, now: now)] + ($0.input.after == nil ? [WaitingStore.counting($0.input.filter, now: now)] : []) })
        var rest = results.makeIterator()
        return try items.map { item in
            let found = try rest.next().map { try $0.map(WaitingStore.item) } ?? []
            let page = try Page(found, item.input.page) { PageRequest.key($0.dueAt, $0.id) }
            let causes = item.input.after == nil ? try rest.next().map { try $0.map(WaitingStore.cause) } : nil
            return .done(try Reply(json: WaitingView(items: page.items, nextCursor: page.nextCursor, causes: causes)))
        }
    }

    func send(_ items: [IncomingMessage<SendWaiting>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        var outcomes: [Outcome] = []
        for item in items {
            let selection = try await WaitingStore.send(item.input.filter, dryRun: item.input.dryRun, now: now, on: transaction)
            if !item.input.dryRun, selection.selected > 0 {
                let detail = "\(selection.selected) messages on the retry ladder: \(item.input.filter.text)"
                try await transaction.enqueue(
                    "INSERT INTO audit (at, actor, action, detail) VALUES (\(now), \(item.request.auditName), \(Self.action), \(detail))")
            }
            outcomes.append(.done(try Reply(status: item.input.dryRun ? 200 : 202, json: selection)))
        }
        return outcomes
    }

    /// Copies to send.
    func findCopies(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await WaitingStore.takeCopies(Self.portion, now: clock.now(), on: transaction).map { OutgoingMessage($0) }
    }

    func dropReturned(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await WaitingStore.dropReturned(Self.maximumDropped, now: clock.now(), on: transaction)
        return []
    }
}
