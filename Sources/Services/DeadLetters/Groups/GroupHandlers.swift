import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Groups for administrators.
struct GroupHandlers: Sendable {
    let clock: any WallClock

    func list(_ items: [IncomingMessage<ListGroups>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await GroupStore.lists(items.map(\.input), now: clock.now(), on: connection)
        return try zip(items, lists).map { item, groups in
            let page = try Page(groups.map(GroupView.init), item.input.page) { PageRequest.key($0.lastSeenAt, $0.id) }
            return .done(try Reply(json: page))
        }
    }

    func change(_ items: [IncomingMessage<GroupChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let changes = items.map { GroupStore.Change(input: $0.input, actor: $0.request.auditName) }
        let known = try await GroupStore.change(changes, now: now, on: transaction)
        let groups = try await GroupStore.find(Array(known), now: now, on: transaction)
        return try items.map { item in
            guard let group = groups[item.input.id] else { return .refused(.notFound("group of dead letters")) }
            return .done(try Reply(json: GroupView(group)))
        }
    }
}

struct GroupView: Sendable, Codable {
    @PublicID var id: UUID
    let service: String
    let operation: String?
    let cause: String
    let text: String
    let count: Int
    let open: Int
    let orders: Int
    let firstSeenAt: Date
    let lastSeenAt: Date
    let perHour: [Int]
    let example: String?
    let name: String?
    let note: String?
    let state: DeadLetterGroupState
    let returned: DeadLetterGroup.Returned

    init(_ group: DeadLetterGroup) {
        id = group.id
        service = group.service
        operation = group.operation
        cause = group.cause
        text = group.text
        count = group.count
        open = group.open
        orders = group.orders
        firstSeenAt = group.firstSeenAt
        lastSeenAt = group.lastSeenAt
        perHour = group.perHour
        example = group.example?.lowerCaseText
        name = group.name
        note = group.note
        state = group.state
        returned = group.returned
    }
}
