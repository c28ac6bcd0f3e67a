import FoundationEssentials
import PostgreSQL

/// Chooses the slugs of the new products of a batch. The lock of products must be held, so that a slug that is free stays free.
struct SlugChoice {
    /// A new product with the slug that was given, or the best one that can be made.
    struct Wish {
        let id: UUID
        let product: NewProduct
        let first: String

        init(_ id: UUID, _ product: NewProduct) {
            (self.id, self.product) = (id, product)
            first = product.slug ?? product.generatedSlug(id).first
        }
    }

    /// Slugs of products for sale, and those already chosen in this batch.
    private(set) var taken: Set<String>
    /// The first choices of the batch's products. No other product is given one of these by numbering.
    private let wanted: Set<String>
    /// For products whose first choice is taken.
    private var others: [UUID: [String]] = [:]

    /// - Parameter taken: The first choices that other products have.
    init(among wishes: [Wish], taken: Set<String>, on transaction: any SQLConnection) async throws {
        var wanted = Set<String>(minimumCapacity: wishes.count)
        for wish in wishes {
            let isFree = wanted.insert(wish.first).inserted && !taken.contains(wish.first)
            if !isFree, wish.product.slug == nil { others[wish.id] = wish.product.generatedSlug(wish.id).others }
        }
        self.wanted = wanted
        let lookedUp = Set(others.values.joined())
        self.taken = lookedUp.isEmpty ? taken : taken.union(try await ProductStore.taken(skus: [], slugs: Array(lookedUp), on: transaction).slugs)
    }

    /// Nil only for a product whose slug was given and is taken.
    mutating func slug(for wish: Wish) -> String? {
        var slug = taken.contains(wish.first) ? nil : wish.first
        if slug == nil, wish.product.slug == nil {
            slug = others[wish.id]?.first { !taken.contains($0) && !wanted.contains($0) } ?? wish.product.generatedSlug(wish.id).last
        }
        if let slug { taken.insert(slug) }
        return slug
    }

    mutating func take(_ slug: String) { taken.insert(slug) }
}

extension NewProduct {
    fileprivate func generatedSlug(_ id: UUID) -> GeneratedSlug { GeneratedSlug(name: name, sku: sku, id: id) }
}
