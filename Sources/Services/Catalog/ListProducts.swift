import Contracts
import FoundationEssentials
import Messaging

struct ListProducts: Sendable {
    enum Sort: String, CaseIterable {
        case name
        case nameDescending = "-name"
        case price
        case priceDescending = "-price"
        case newest
    }

    /// Each is looked for in every product.
    static let maximumWords = 20

    /// All of them have to be there, in any order.
    let words: Set<String>
    let category: String?
    /// Lists what is archived in place of what is for sale.
    let archived: Bool
    let sort: Sort
    let page: PageRequest

    static func read(_ request: Request) throws -> ListProducts {
        try Fields.read(request) { fields in
            let page = fields.page()
            let sort = fields.choiceParameter("sort", Sort.allCases.map(\.rawValue), default: Sort.name.rawValue)
            let known = Sort(rawValue: sort) ?? .name
            if let after = page.after, !known.accepts(after) { fields.note("cursor", "is not a cursor of this list") }
            let archived = fields.choiceParameter("archived", ["true", "false"], default: "false") == "true"
            if archived, request.caller?.role != .admin { throw Problem.adminsOnly }
            let words = Set((fields.optionalParameter("search") ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
            if words.count > maximumWords { fields.note("search", "must have at most \(maximumWords) words") }
            return ListProducts(
                words: words, category: fields.optionalParameter("category", 1...100), archived: archived, sort: known, page: page)
        }
    }
}

extension ListProducts.Sort {
    /// Whether a cursor is one of a list that is sorted so.
    func accepts(_ key: [String]) -> Bool {
        guard key.count == 2, UUID(uuidString: key[1]) != nil else { return false }
        return switch self {
        case .name, .nameDescending: true
        case .price, .priceDescending: Int(key[0]) != nil
        case .newest: Double(key[0]) != nil
        }
    }
}

extension Problem {
    fileprivate static let adminsOnly = Problem(
        "forbidden", title: "Not allowed", status: 403, detail: "Archived products are for administrators only.")
}
