import Contracts
import FoundationEssentials
import Messaging

struct NewProduct: Sendable {
    let sku: String
    /// Nil where one is to be generated.
    let slug: String?
    let name: String
    let description: String
    let price: Money
    let category: String?
    let attributes: [String: Scalar]
    let images: [String]

    static func read(_ request: Request) throws -> NewProduct {
        try Fields.read(request) { fields in
            let sku = fields.text("sku", 1...64)
            if !sku.isEmpty, !sku.isSKU {
                fields.note("sku", "may hold ASCII letters, digits, '.', '_' and '-' only, and not be '.' or '..', which no path can name")
            }
            return NewProduct(
                sku: sku, slug: fields.slug(), name: fields.text("name", 1...200),
                description: fields.optionalText("description", 0...10_000, lines: true) ?? "", price: fields.money("price"),
                category: fields.optionalText("category", 1...100),
                attributes: fields.attributes() ?? [:], images: fields.images() ?? [])
        }
    }
}

struct GetProduct: Sendable {
    let key: String

    static func read(_ request: Request) throws -> GetProduct {
        try Fields.read(request) { GetProduct(key: $0.parameter("idOrSlug")) }
    }
}

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

struct StockChange: Sendable {
    /// More than any warehouse has; far from the end of the column's range.
    static let maximumOnHand = 100_000_000

    let sku: String
    var onHand: Int?
    var delta: Int?
    var reason = "set"
    var ifMatch: EntityTags?

    static func readSKU(_ request: Request) throws -> StockChange {
        try Fields.read(request) { StockChange(sku: $0.parameter("sku", 1...64)) }
    }

    static func readSet(_ request: Request) throws -> StockChange {
        try Fields.read(request) {
            StockChange(sku: $0.parameter("sku", 1...64), onHand: $0.integer("onHand", 0...maximumOnHand), ifMatch: $0.ifMatch())
        }
    }

    static func readAdjustment(_ request: Request) throws -> StockChange {
        try Fields.read(request) {
            StockChange(
                sku: $0.parameter("sku", 1...64), delta: $0.integer("delta", -maximumOnHand...maximumOnHand),
                reason: $0.text("reason"), ifMatch: $0.ifMatch())
        }
    }
}

// MARK: - Fields of products

extension Fields {
    mutating func slug() -> String? {
        guard let slug = optionalText("slug", 1...String.maximumSlugLength) else { return nil }
        if !slug.isSlug {
            note("slug", "must be words of lower-case ASCII letters and digits, joined by single '-', and no UUID")
        }
        return slug
    }

    fileprivate mutating func attributes() -> [String: Scalar]? {
        let attributes = optionalJSON("attributes", [String: Scalar].self, named: Self.attributesForm)
        note(attributes ?? [:])
        return attributes
    }

    /// Those to set, and null for those to take away.
    mutating func attributeChanges() -> [String: Scalar?]? {
        let changes = optionalJSON("attributes", [String: Scalar?].self, named: Self.attributesForm)
        note((changes ?? [:]).compactMapValues(\.self))
        return changes
    }

    private static var attributesForm: String { "an object of texts, numbers and booleans" }

    private mutating func note(_ attributes: [String: Scalar]) {
        if attributes.keys.contains(where: { $0.hasControls() }) { note("attributes", "must not hold control characters in a name") }
        if let flaw = attributes.values.lazy.compactMap(\.flaw).first { note("attributes", flaw) }
    }

    mutating func images() -> [String]? {
        guard let images = optionalJSON("images", [String].self, named: "a list of URLs") else { return nil }
        if !images.allSatisfy({ $0.hasPrefix("https://") || $0.hasPrefix("http://") || $0.hasPrefix("/") }) || images.contains(where: { $0.hasControls() }) {
            note("images", "must be URLs or absolute paths")
        }
        return images
    }
}

extension String {
    /// Of characters that need no escaping in a path; `.` and `..` are taken out of paths by every client.
    fileprivate var isSKU: Bool {
        self != "." && self != ".." && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-") }
    }
}

extension Problem {
    fileprivate static let adminsOnly = Problem(
        "forbidden", title: "Not allowed", status: 403, detail: "Archived products are for administrators only.")
}
