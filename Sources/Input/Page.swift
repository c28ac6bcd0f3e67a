import FoundationEssentials
import JSON
import Secrets

/// The part of a list that a client asks for.
public struct PageRequest: Sendable, Equatable {
    public static let defaultLimit = 20
    public static let maximumLimit = 100

    public let limit: Int
    /// The sort key of the last item of the previous page, its parts as texts.
    public let after: [String]?
    /// The list and its order, which cursors name: the sort key of another list must not be compared with this one's.
    let list: String

    public init(limit: Int, after: [String]?, list: String = "") {
        self.limit = limit
        self.after = after
        self.list = list
    }

    /// Nil for an invalid cursor; its first element is the list that issued it.
    static func decode(_ cursor: String) -> [String]? {
        guard cursor.count <= maximumCursor, let bytes = Base64URL.decode(cursor) else { return nil }
        guard let key = try? JSON.decode([String].self, from: bytes) else { return nil }
        // PostgreSQL's texts cannot contain it, so no list has issued it.
        return key.contains { $0.unicodeScalars.contains("\u{0}") } ? nil : key
    }

    /// The sort key of an item in a list by time and id, as `Fields.position` reads it.
    public static func key(_ time: Date, _ id: UUID) -> [String] { [String(time.timeIntervalSince1970), id.uuidString] }

    /// Enough for the longest name of a product in any script.
    private static let maximumCursor = 2_000
}

/// Where a page of a list ended, as its cursor says.
public protocol PageCursor: Sendable {
    /// Nil for a key that the list has not issued.
    init?(_ key: [String])
}

/// A page of a list. `nextCursor` is absent on the last one.
public struct Page<Item: Sendable & Codable>: Sendable, Codable {
    public let items: [Item]
    public let nextCursor: String?

    /// One item more than the limit indicates that there is a next page.
    public init(_ found: [Item], _ request: PageRequest, key: (Item) -> [String]) throws {
        items = Array(found.prefix(request.limit))
        if found.count > request.limit, let last = items.last {
            nextCursor = Base64URL.encode(try JSON.encode([request.list] + key(last)))
        } else {
            nextCursor = nil
        }
    }

    /// The same of rows whose keys their items do not show.
    public init<Row>(_ found: [Row], _ request: PageRequest, item: (Row) -> Item, key: (Row) -> [String]) throws {
        let last = found.prefix(request.limit).last
        try self.init(found.map(item), request) { _ in last.map(key) ?? [] }
    }
}
