import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging

struct ListProducts: Sendable {
    enum Sort: String, CaseIterable {
        case relevance
        case name
        case nameDescending = "-name"
        case price
        case priceDescending = "-price"
        case newest
    }

    /// Each word is searched for in every product.
    static let maximumWords = 20
    static let maximumFacets = 10

    /// Nil without a search.
    let search: String?
    let filter: ProductFilter
    let facets: [Facet]
    /// `relevance` with a search only.
    let sort: Sort
    let page: PageRequest

    static func read(_ request: Request) throws -> ListProducts {
        try Fields.read(request) { fields in
            let search = fields.optionalParameter("search").map { $0.split(whereSeparator: \.isWhitespace) } ?? []
            if search.count > maximumWords { fields.note("search", "must have at most \(maximumWords) words") }
            let given = fields.choiceParameter("sort", Sort.allCases.map(\.rawValue), default: (search.isEmpty ? Sort.name : .relevance).rawValue)
            let sort = Sort(rawValue: given).flatMap { $0 == .relevance && search.isEmpty ? nil : $0 } ?? .name
            let selection = ProductSelection(search: search.isEmpty ? nil : search.joined(separator: " "), filter: ProductFilter(&fields))
            let list = ListProducts(
                search: selection.search, filter: selection.filter, facets: Facet.read(&fields), sort: sort,
                page: fields.page(in: sort.rawValue, of: String(decoding: try JSON.encode(selection), as: UTF8.self)))
            _ = fields.position(list.page) { ProductCursor($0, of: list) }
            if list.filter.archived, request.caller?.role != .admin { throw Problem.adminsOnly }
            return list
        }
    }
}

/// Which products are listed. Cursors contain a hash of this.
private struct ProductSelection: Encodable {
    let search: String?
    let filter: ProductFilter
}

/// Which products are listed. Each field narrows the list.
struct ProductFilter: Sendable, Encodable {
    static let maximumAttributes = 10

    struct Attribute: Sendable, Equatable, Encodable {
        let name: String
        let value: String
    }

    /// Archived products in place of those for sale.
    let archived: Bool
    let category: String?
    let brand: String?
    let attributes: [Attribute]
    let prices: ClosedRange<Int>?
    let inStock: Bool

    /// Whether it is likely to leave a small part of the catalog.
    var isNarrow: Bool { category != nil || brand != nil || !attributes.isEmpty || prices != nil }

    init(_ fields: inout Fields) {
        archived = fields.flagParameter("archived")
        category = fields.optionalParameter("category", 1...Category.maximumNameLength)
        brand = fields.optionalParameter("brand", 1...100)
        attributes = fields.parameters(prefixed: Facet.attributePrefix, maximum: Self.maximumAttributes).map { Attribute(name: $0.name, value: $0.value) }
        let least = fields.integerParameter("minPrice", 0...Money.maximumAmount, default: 0)
        let most = fields.integerParameter("maxPrice", 0...Money.maximumAmount, default: Money.maximumAmount)
        if least > most { fields.note("minPrice", "must not be above maxPrice") }
        prices = fields.has(parameter: "minPrice") || fields.has(parameter: "maxPrice") ? least...max(least, most) : nil
        inStock = fields.flagParameter("inStock")
    }
}

/// How many products each value of a field would leave.
enum Facet: Sendable, Equatable {
    static let attributePrefix = "attribute."
    static let maximumValues = 100

    case category, brand
    case attribute(String)

    var name: String {
        switch self {
        case .category: "category"
        case .brand: "brand"
        case .attribute(let name): Self.attributePrefix + name
        }
    }

    static func read(_ fields: inout Fields) -> [Facet] {
        let names = fields.optionalParameter("facets", 1...1_000)?.split(separator: ",").map { String($0) } ?? []
        let facets: [Facet] = names.reduce(into: []) { facets, name in
            let facet: Facet? =
                switch name {
                case "category": .category
                case "brand": .brand
                default: name.hasPrefix(attributePrefix) && name != attributePrefix ? .attribute(String(name.dropFirst(attributePrefix.count))) : nil
                }
            guard let facet else { return fields.note("facets", "must name category, brand or attribute.<name>, with commas between them") }
            if !facets.contains(facet) { facets.append(facet) }
        }
        if facets.count > ListProducts.maximumFacets { fields.note("facets", "must name at most \(ListProducts.maximumFacets)") }
        return facets
    }
}

extension Problem {
    fileprivate static let adminsOnly = Problem(
        "forbidden", title: "Not allowed", status: 403, detail: "Archived products are for administrators only.")
}
