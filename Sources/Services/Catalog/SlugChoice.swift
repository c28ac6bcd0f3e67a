import FoundationEssentials
import PostgreSQL

/// Chooses the slugs of the new products of a batch. The lock of products must be held, so that a slug that is free stays free.
///
/// Slugs are looked up by name, not by product: a file may have a thousand products of one name in a batch.
struct SlugChoice {
    /// A new product with the slug that was given, or the best one that can be made. A class, because thousands of them are passed on together.
    final class Wish: Sendable {
        let id: UUID
        let product: NewProduct
        let first: String

        init(_ id: UUID, _ product: NewProduct) {
            (self.id, self.product) = (id, product)
            first = product.slug ?? GeneratedSlug.first(name: product.name, sku: product.sku)
        }
    }

    /// Slugs of products for sale, and those already chosen in this batch.
    private(set) var taken: Set<String>
    /// For first choices that another product has: the slugs with a number that are free, the next one last.
    private var numbered: [String: [String]] = [:]
    /// For the products for which no number is left: the slug with the SKU, where it is free.
    private var withSKU: [UUID: String] = [:]

    /// - Parameter taken: The first choices that other products have.
    init(among wishes: [Wish], taken: Set<String>, on transaction: any SQLConnection) async throws {
        self.taken = taken
        // Numbering gives none of these to another product.
        var wanted = Set<String>(minimumCapacity: wishes.count)
        var others: [Wish] = []
        for wish in wishes {
            let isFree = wanted.insert(wish.first).inserted && !taken.contains(wish.first)
            if !isFree, wish.product.slug == nil { others.append(wish) }
        }
        guard !others.isEmpty else { return }
        for wish in others where numbered[wish.first] == nil { numbered[wish.first] = GeneratedSlug.numbered(wish.first).filter { !wanted.contains($0) } }
        let inUse = try await ProductStore.taken(skus: [], slugs: Array(numbered.values.joined()), on: transaction).slugs
        numbered = numbered.mapValues { $0.reversed().filter { !inUse.contains($0) } }
        var left = numbered.mapValues(\.count)
        for wish in others {
            if left[wish.first, default: 0] > 0 {
                left[wish.first, default: 0] -= 1
            } else if let slug = GeneratedSlug.withSKU(wish.first, wish.product.sku), !wanted.contains(slug) {
                withSKU[wish.id] = slug
            }
        }
        guard !withSKU.isEmpty else { return }
        let withSKUInUse = try await ProductStore.taken(skus: [], slugs: Array(withSKU.values), on: transaction).slugs
        if !withSKUInUse.isEmpty { withSKU = withSKU.filter { !withSKUInUse.contains($0.value) } }
    }

    /// Nil only for a product whose slug was given and is taken.
    mutating func slug(for wish: Wish) -> String? {
        var slug = taken.contains(wish.first) ? nil : wish.first
        if slug == nil, wish.product.slug == nil { slug = other(for: wish) }
        if let slug { taken.insert(slug) }
        return slug
    }

    private mutating func other(for wish: Wish) -> String {
        while let slug = numbered[wish.first]?.popLast() {
            if !taken.contains(slug) { return slug }
        }
        if let slug = withSKU[wish.id], !taken.contains(slug) { return slug }
        return GeneratedSlug.last(wish.first, wish.id)
    }

    mutating func take(_ slug: String) { taken.insert(slug) }
}
