import Contracts
import FoundationEssentials
import Messaging

/// A value of a product's attributes: one of the scalars of JSON.
enum Scalar: Sendable, Codable, Equatable {
    case text(String)
    case number(Double)
    case boolean(Bool)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        }
    }
}

struct NewProduct: Sendable {
    let sku: String
    let slug: String
    let name: String
    let description: String
    let price: Money
    let category: String?
    let attributes: [String: Scalar]
    let images: [String]

    static func read(_ request: Request) throws -> NewProduct {
        try Fields.read(request) { fields in
            let sku = fields.text("sku", 1...64)
            if !sku.isEmpty, !sku.allSatisfy(\.isSKUCharacter) {
                fields.note("sku", "may hold ASCII letters, digits, '.', '_' and '-' only")
            }
            let slug = fields.slug()
            let name = fields.text("name", 1...200)
            return NewProduct(
                sku: sku, slug: slug ?? "\(name)-\(sku)".slug, name: name,
                description: fields.optionalText("description", 0...10_000) ?? "", price: fields.money("price"),
                category: fields.optionalText("category", 1...100),
                attributes: fields.attributes() ?? [:], images: fields.images() ?? [])
        }
    }
}

/// What is to be different; nil stays as it is.
struct ProductChange: Sendable {
    let id: UUID
    var slug: String?
    var name: String?
    var description: String?
    var price: Money?
    var category: String?
    var attributes: [String: Scalar]?
    var images: [String]?
    var ifMatch: EntityTags?

    static func read(_ request: Request) throws -> ProductChange {
        try Fields.read(request) { fields in
            var change = ProductChange(id: try fields.uuidParameter("idOrSlug", of: "product"))
            change.slug = fields.slug()
            change.name = fields.optionalText("name", 1...200)
            change.description = fields.optionalText("description", 0...10_000)
            change.price = fields.optionalMoney("price")
            change.category = fields.optionalText("category", 1...100)
            change.attributes = fields.attributes()
            change.images = fields.images()
            change.ifMatch = fields.ifMatch()
            if change.isEmpty, fields.errors.isEmpty { fields.note("body", "names nothing that is to be different") }
            return change
        }
    }

    static func readID(_ request: Request) throws -> ProductChange {
        try Fields.read(request) { fields in
            ProductChange(
                id: try fields.uuidParameter("idOrSlug", of: "product"), ifMatch: fields.ifMatch())
        }
    }

    private var isEmpty: Bool {
        slug == nil && name == nil && description == nil && price == nil && category == nil && attributes == nil && images == nil
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

    let search: String?
    let category: String?
    let sort: Sort
    let page: PageRequest

    static func read(_ request: Request) throws -> ListProducts {
        try Fields.read(request) { fields in
            let page = fields.page()
            let sort = fields.choiceParameter("sort", Sort.allCases.map(\.rawValue), default: Sort.name.rawValue)
            let known = Sort(rawValue: sort) ?? .name
            if let after = page.after, !known.accepts(after) { fields.note("cursor", "is not a cursor of this list") }
            return ListProducts(
                search: fields.optionalParameter("search"), category: fields.optionalParameter("category", 1...100), sort: known,
                page: page)
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

    static func readSKU(_ request: Request) throws -> StockChange {
        try Fields.read(request) { StockChange(sku: $0.parameter("sku", 1...64)) }
    }

    static func readSet(_ request: Request) throws -> StockChange {
        try Fields.read(request) {
            StockChange(sku: $0.parameter("sku", 1...64), onHand: $0.integer("onHand", 0...maximumOnHand))
        }
    }

    static func readAdjustment(_ request: Request) throws -> StockChange {
        try Fields.read(request) {
            StockChange(
                sku: $0.parameter("sku", 1...64), delta: $0.integer("delta", -maximumOnHand...maximumOnHand),
                reason: $0.text("reason"))
        }
    }
}

extension Fields {
    /// Never a UUID: `/v1/products/{idOrSlug}` takes those for ids.
    fileprivate mutating func slug() -> String? {
        guard let slug = optionalText("slug", 1...String.maximumSlugLength) else { return nil }
        if slug != slug.slug || UUID(uuidString: slug) != nil {
            note("slug", "must be words of lower-case ASCII letters and digits, joined by single '-'")
        }
        return slug
    }

    fileprivate mutating func attributes() -> [String: Scalar]? {
        optionalJSON("attributes", [String: Scalar].self, named: "an object of texts, numbers and booleans")
    }

    fileprivate mutating func images() -> [String]? {
        guard let images = optionalJSON("images", [String].self, named: "a list of URLs") else { return nil }
        if !images.allSatisfy({ $0.hasPrefix("https://") || $0.hasPrefix("http://") || $0.hasPrefix("/") }) {
            note("images", "must be URLs or absolute paths")
        }
        return images
    }
}

extension Character {
    var isSKUCharacter: Bool { isASCII && (isLetter || isNumber || self == "." || self == "_" || self == "-") }
}

extension String {
    static let maximumSlugLength = 100

    /// Lower-case ASCII words joined by '-'.
    var slug: String {
        let words = lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let slug = words.joined(separator: "-").prefix(Self.maximumSlugLength)
        return String(slug.last == "-" ? slug.dropLast() : slug)
    }
}
