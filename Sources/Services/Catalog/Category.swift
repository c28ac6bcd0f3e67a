import Contracts
import FoundationEssentials
import Messaging

/// A place for products in the shop. A category also shows the products of the categories inside it.
struct Category: Sendable, Equatable {
    /// A larger tree would be a reply that no client can display.
    static let maximumCount = 10_000
    static let maximumNameLength = 100
    /// Of one product.
    static let maximumPerProduct = 20

    let slug: String
    var name: String
    var parent: String?
}

struct CategoryView: Sendable, Codable {
    let slug: String
    let name: String
    let parent: String?
    let children: [CategoryView]
}

struct CategoryTree: Sendable, Codable {
    let items: [CategoryView]
}

/// All categories with their hierarchy.
struct CategoryShelf: Sendable {
    private(set) var bySlug: [String: Category]

    init(_ categories: [Category]) {
        bySlug = Dictionary(categories.map { ($0.slug, $0) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(slug: String) -> Category? {
        get { bySlug[slug] }
        set { bySlug[slug] = newValue }
    }

    /// Whether `slug` is `other`, or is somewhere inside it.
    func isInside(_ slug: String, _ other: String) -> Bool {
        var next: String? = slug
        // The bound ends a cycle, too: no path is longer than the number of categories.
        for _ in 0...bySlug.count {
            guard let current = next else { return false }
            if current == other { return true }
            next = bySlug[current]?.parent
        }
        return true
    }

    func hasChildren(_ slug: String) -> Bool {
        bySlug.values.contains { $0.parent == slug }
    }

    /// The top-level categories with their contents, by name.
    var tree: CategoryTree {
        var children = Dictionary(grouping: bySlug.values, by: \.parent)
        return CategoryTree(items: Self.views(of: nil, &children))
    }

    func view(of category: Category) -> CategoryView {
        var children = Dictionary(grouping: bySlug.values, by: \.parent)
        return Self.view(of: category, &children)
    }

    /// Removes what it shows from `children`, so that each category is shown once and a cycle does not recurse forever.
    private static func views(of parent: String?, _ children: inout [String?: [Category]]) -> [CategoryView] {
        (children.removeValue(forKey: parent) ?? []).sorted { ($0.name, $0.slug) < ($1.name, $1.slug) }.map { view(of: $0, &children) }
    }

    private static func view(of category: Category, _ children: inout [String?: [Category]]) -> CategoryView {
        CategoryView(slug: category.slug, name: category.name, parent: category.parent, children: views(of: category.slug, &children))
    }

    /// The first of `base`, `base-2`, `base-3`, … that is not in use.
    func freeSlug(_ base: String) -> String {
        var slug = base
        var number = 2
        // Ends, because the number of categories is bounded.
        while bySlug[slug] != nil {
            slug = base.slug(endingIn: "\(number)")
            number += 1
        }
        return slug
    }
}
