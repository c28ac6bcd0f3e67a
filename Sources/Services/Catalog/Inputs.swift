import Contracts
import FoundationEssentials
import Input
import Messaging

struct NewProduct: Sendable {
    let sku: String
    /// Nil to have one generated.
    let slug: String?
    let name: String
    let description: String
    let brand: String?
    let price: Money
    /// The main category first.
    let categories: [String]
    let attributes: [String: Scalar]
    let images: [Image]
    let variants: [Variant]

    static func read(_ request: Request) throws -> NewProduct {
        try Fields.read(request) { fields in
            let sku = fields.text("sku", 1...64)
            if !sku.isEmpty, !sku.isSKU {
                fields.note("sku", "may hold ASCII letters, digits, '.', '_' and '-' only, and must not be '.' or '..', which no path can contain")
            }
            let new = NewProduct(
                sku: sku, slug: fields.productSlug(), name: fields.text("name", 1...200),
                description: fields.optionalText("description", 0...10_000, lines: true) ?? "", brand: fields.brand(), price: fields.money("price"),
                categories: (fields.categories() ?? []).led(by: fields.category()),
                attributes: fields.attributes() ?? [:], images: fields.images() ?? [],
                variants: fields.variants() ?? [])
            if let flaw = Variant.flaw(of: new.variants, sku: sku, currency: new.price.currency), fields.errors.isEmpty { fields.note("variants", flaw) }
            return new
        }
    }
}

struct GetProduct: Sendable {
    let key: String

    static func read(_ request: Request) throws -> GetProduct {
        try Fields.read(request) { GetProduct(key: $0.parameter("idOrSlug")) }
    }
}

struct StockChange: Sendable {
    /// More than any warehouse has; far from the end of the column's range.
    static let maximumOnHand = 100_000_000

    let sku: String
    var onHand: Int?
    var delta: Int?
    /// Nil leaves the threshold as it is; a nil inside removes it.
    var lowAt: Int??
    var reason = "set"
    var ifMatch: EntityTags?

    static func readSKU(_ request: Request) throws -> StockChange {
        try Fields.read(request) { StockChange(sku: $0.parameter("sku", 1...64)) }
    }

    static func readSet(_ request: Request) throws -> StockChange {
        try Fields.read(request) { fields in
            let lowAt: Int?? = fields.clears("lowStockAt") ? .some(nil) : fields.optionalInteger("lowStockAt", 0...maximumOnHand).map(Optional.some)
            return StockChange(
                sku: fields.parameter("sku", 1...64), onHand: fields.integer("onHand", 0...maximumOnHand), lowAt: lowAt, ifMatch: fields.ifMatch())
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
