import FoundationEssentials
import IOThreads
import PostgreSQL

/// Chooses the slugs of the new products of a batch. The lock of products must be held, so that a slug that is free stays free.
///
/// Slugs are looked up by name, not by product: a batch may contain a thousand products with the same name. Each lookup depends on the result of the previous one, so the choice
/// has three stages, and the caller queries the database between them.
struct SlugChoice: Sendable {
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
    /// The first choices. Numbering gives none of these to another product.
    private var wanted: Set<String>
    /// The products that do not get their first choice.
    private var others: [Wish] = []

    /// - Parameter taken: The first choices that other products have.
    init(among wishes: [Wish], taken: Set<String>, on transaction: any SQLConnection) async throws {
        self.init(among: wishes, taken: taken)
        guard !others.isEmpty else { return }
        self = numbering(without: try await ProductStore.taken(slugs: numbers, on: transaction))
        if case let slugs = slugsWithSKU, !slugs.isEmpty { self = completed(without: try await ProductStore.taken(slugs: slugs, on: transaction)) }
    }

    /// The first stage.
    init(among wishes: [Wish], taken: Set<String>) {
        self.taken = taken
        wanted = Set(minimumCapacity: wishes.count)
        for wish in wishes {
            pauseIfNeeded()
            let isFree = wanted.insert(wish.first).inserted && !taken.contains(wish.first)
            if !isFree, wish.product.slug == nil { others.append(wish) }
        }
        for wish in others where numbered[wish.first] == nil { numbered[wish.first] = GeneratedSlug.numbered(wish.first).filter { !wanted.contains($0) } }
    }

    /// The slugs to look up after the first stage.
    var numbers: [String] { Array(numbered.values.joined()) }

    /// The second stage.
    /// - Parameter inUse: Those of ``numbers`` that other products have.
    func numbering(without inUse: Set<String>) -> SlugChoice {
        var choice = self
        choice.numbered = numbered.mapValues { $0.reversed().filter { !inUse.contains($0) } }
        var left = choice.numbered.mapValues(\.count)
        for wish in others {
            pauseIfNeeded()
            if left[wish.first, default: 0] > 0 {
                left[wish.first, default: 0] -= 1
            } else if let slug = GeneratedSlug.withSKU(wish.first, wish.product.sku), !wanted.contains(slug) {
                choice.withSKU[wish.id] = slug
            }
        }
        return choice
    }

    /// The slugs to look up after the second stage.
    var slugsWithSKU: [String] { Array(withSKU.values) }

    /// The last stage.
    /// - Parameter inUse: Those of ``slugsWithSKU`` that other products have.
    func completed(without inUse: Set<String>) -> SlugChoice {
        guard !inUse.isEmpty else { return self }
        var choice = self
        choice.withSKU = withSKU.filter { !inUse.contains($0.value) }
        return choice
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
