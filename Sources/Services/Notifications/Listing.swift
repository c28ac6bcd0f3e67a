import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// The list of notifications, for administrators.
struct Listing: Sendable {
    func list(_ items: [IncomingMessage<ListNotifications>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await Store.list(items.map(\.input), on: connection)
        return try zip(items, lists).map { item, notifications in
            let page = try Page(notifications, item.input.page) { PageRequest.key($0.createdAt, $0.id) }
            return .done(try Reply(json: page))
        }
    }
}
