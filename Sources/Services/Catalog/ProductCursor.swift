import Contracts
import FoundationEssentials
import Messaging

/// How a search is answered. A cursor stores it, so that all pages of a list use the same mode.
enum SearchMode: String, Sendable {
    /// Products with all words, or words that begin so, by rank.
    case plain
    /// Too few matches: words that differ in one letter count, too.
    case corrected
    /// Still no match: words too short to be corrected may be missing.
    case loose
    /// So many matches that ranking is pointless: the newest come first.
    case broad
}

/// Where a page of products ended.
struct ProductCursor: Sendable, Equatable {
    /// Of the sort: a name, a price, a score, or seconds since 1970.
    let key: String
    let id: UUID
    /// Nil without a search.
    let mode: SearchMode?

    init?(_ parts: [String], of list: ListProducts) {
        guard parts.count == (list.search == nil ? 2 : 3), let id = UUID(uuidString: parts[1]) else { return nil }
        self.id = id
        key = parts[0]
        mode = parts.count == 3 ? SearchMode(rawValue: parts[2]) : nil
        if list.search != nil, mode == nil { return nil }
        switch list.sort {
        case .name, .nameDescending: break
        case .price, .priceDescending: if Int(key) == nil { return nil }
        case .newest: if Double(key) == nil { return nil }
        case .relevance: if Double(key) == nil || (mode != .broad && Int(key) == nil) { return nil }
        }
    }

    /// The parts of the cursor after this row.
    static func after(_ row: ProductRow, sort: ListProducts.Sort, mode: SearchMode?) -> [String] {
        let key =
            switch sort {
            case .name, .nameDescending: row.view.name
            case .price, .priceDescending: String(row.view.price.amount)
            case .relevance where mode != .broad: String(row.score ?? 0)
            case .newest, .relevance: String(row.createdAt.timeIntervalSince1970)
            }
        return [key, row.view.id.uuidString] + (mode.map { [$0.rawValue] } ?? [])
    }
}
