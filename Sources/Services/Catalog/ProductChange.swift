import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging

/// A merge patch (RFC 7396) of a product: nil leaves a field as it is, a null inside clears it.
struct ProductChange: Sendable, Equatable {
    struct Price: Sendable, Equatable {
        let amount: Int?
        let currency: String?
    }

    let id: UUID
    var slug: String?
    var name: String?
    var description: String?
    var brand: String??
    var price: Price?
    var category: String??
    var categories: [String]?
    var attributes: [String: Scalar?]??
    var images: [Image]?
    var variants: [Variant]?
    var archived: Bool?
    var ifMatch: EntityTags?

    static func read(_ request: Request) throws -> ProductChange {
        try Fields.read(request) { fields in
            fields.refuseNull("archived")
            var change = ProductChange(try fields.uuidParameter("idOrSlug", of: "product"), reading: &fields)
            change.archived = fields.optionalBoolean("archived")
            change.ifMatch = fields.ifMatch()
            if change.isEmpty, fields.errors.isEmpty { fields.note("body", "names no field to change") }
            return change
        }
    }

    /// What a row of an import may change, too.
    ///
    /// - Parameter withStock: whether its variants may have their stock beside them.
    init(_ id: UUID, reading fields: inout Fields, withStock: Bool = false) {
        self.init(id: id)
        fields.refuseNull("slug", "name", "price")
        slug = fields.productSlug()
        name = fields.optionalText("name", 1...200)
        description = fields.clears("description") ? "" : fields.optionalText("description", 0...10_000, lines: true)
        price = fields.optionalObject("price") { price in
            price.refuseNull("amount", "currency")
            return Price(amount: price.optionalInteger("amount", 0...Money.maximumAmount), currency: price.optionalText("currency", 3...3))
        }
        brand = fields.clears("brand") ? .some(nil) : fields.brand().map(Optional.some)
        category = fields.clears("category") ? .some(nil) : fields.category().map(Optional.some)
        categories = fields.clears("categories") ? [] : fields.categories()
        attributes = fields.clears("attributes") ? .some(nil) : fields.attributeChanges().map(Optional.some)
        images = fields.clears("images") ? [] : fields.images()
        variants = fields.clears("variants") ? [] : fields.variants(withStock: withStock)
    }

    static func readID(_ request: Request) throws -> ProductChange {
        try Fields.read(request) { fields in
            var change = ProductChange(id: try fields.uuidParameter("idOrSlug", of: "product"))
            change.archived = true
            change.ifMatch = fields.ifMatch()
            return change
        }
    }

    /// Of the price alone, which stays that of the product where it is nil.
    init(id: UUID, price: Price? = nil) {
        self.id = id
        self.price = price
    }

    private var isEmpty: Bool {
        slug == nil && name == nil && description == nil && brand == nil && price == nil && category == nil && categories == nil
            && attributes == nil && images == nil && variants == nil && archived == nil
    }
}

/// What of a product can be changed.
struct ProductFields: Sendable, Equatable {
    /// Of JSON, when a change has been merged into those that are there.
    static let maximumAttributeBytes = 16_384

    let sku: String
    var slug: String
    var name: String
    var description: String
    var brand: String?
    var price: Money
    /// The main category first.
    var categories: [String]
    var attributes: [String: Scalar]
    var images: [Image]
    var variants: [Variant]
    var archived: Bool

    init(_ row: ProductRow) {
        sku = row.view.sku
        slug = row.view.slug
        name = row.view.name
        description = row.view.description
        brand = row.view.brand
        price = row.view.price
        categories = row.view.categories
        attributes = row.view.attributes
        images = row.view.images
        variants = row.variants.map { $0.variant(currency: row.view.price.currency) }
        archived = row.view.archived == true
    }

    /// Throws a `Problem` for a change that leaves an invalid product.
    func merged(with change: ProductChange) throws -> ProductFields {
        var new = self
        new.slug = change.slug ?? slug
        new.name = change.name ?? name
        new.description = change.description ?? description
        new.brand = change.brand ?? brand
        new.categories = change.categories(from: categories)
        new.images = change.images ?? images
        new.variants = change.variants ?? variants
        new.archived = change.archived ?? archived
        if let change = change.price {
            new.price = Money(amount: change.amount ?? price.amount, currency: change.currency ?? price.currency)
            if let flaw = new.price.flaw { throw Problem.invalidInput("price.\(flaw.field)", flaw.detail) }
        }
        // Existing variants have their prices in the product's present currency.
        let variants = change.variants ?? []
        if let flaw = Variant.flaw(of: variants, sku: sku, currency: new.price.currency) { throw Problem.invalidInput("variants", flaw) }
        if change.price?.currency != nil, let flaw = new.variants.lazy.compactMap({ $0.price.flatMap { Money(amount: $0.amount, currency: new.price.currency).flaw } }).first {
            throw Problem.invalidInput("price.\(flaw.field)", "\(flaw.detail), in all variants")
        }
        switch change.attributes {
        case nil: break
        case .some(nil): new.attributes = [:]
        case .some(.some(let changes)):
            for (name, value) in changes { new.attributes[name] = value }
            if try JSON.encode(new.attributes).count > Self.maximumAttributeBytes {
                throw Problem.invalidInput("attributes", "must have at most \(Self.maximumAttributeBytes) bytes")
            }
        }
        return new
    }
}

extension ProductChange {
    /// A new main category replaces the old one; a null one leaves the product without categories.
    fileprivate func categories(from old: [String]) -> [String] {
        switch (category, categories) {
        case (nil, nil): old
        case (.some(nil), nil): []
        case (.some(let main?), nil): Array(old.dropFirst(old.contains(main) ? 0 : 1)).led(by: main)
        case (nil, let new?): new.led(by: old.first.flatMap { new.contains($0) ? $0 : nil })
        case (.some(let main), let new?): new.led(by: main)
        }
    }
}

extension [String] {
    /// The same with `first` at the beginning, without duplicates.
    func led(by first: String?) -> [String] {
        guard let first else { return self }
        return [first] + filter { $0 != first }
    }
}
