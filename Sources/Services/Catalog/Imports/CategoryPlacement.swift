/// Decides which rows of an import of categories can be applied together, whatever their order. A row must wait if its parent does not exist yet, or if it would form
/// a cycle that only later rows can break.
struct CategoryPlacement {
    /// What a row says about a category.
    struct Row: Sendable, Equatable {
        let line: Int
        let slug: String
        let name: String?
        /// Nil for a row that does not mention the parent; `.some(nil)` moves the category to the top.
        let parent: String??

        init(line: Int, slug: String, name: String?, parent: String??) {
            (self.line, self.slug, self.name, self.parent) = (line, slug, name, parent)
        }

        init(line: Int, _ category: Category) {
            self.init(line: line, slug: category.slug, name: category.name, parent: .some(category.parent))
        }

        func category(over old: Category?) -> Category {
            Category(slug: slug, name: name ?? old?.name ?? slug, parent: parent ?? old?.parent)
        }
    }

    enum Obstacle: Sendable, Equatable {
        case noParent(String)
        /// The slugs on the path from the category up to itself, at most ``maximumKept`` of them. A complete path begins and ends with the category's own slug.
        case cycle([String])
        /// There would be more than ``Category/maximumCount`` categories.
        case full

        private static let maximumShown = 10
        /// One more than ``maximumShown``, so that ``reason`` knows whether the path was cut off.
        fileprivate static let maximumKept = maximumShown + 1

        var reason: String {
            switch self {
            case .noParent: "is neither a category of the shop nor one that this file can create"
            case .cycle(let path):
                "would form a cycle: \(path.prefix(Self.maximumShown).joined(separator: " in "))\(path.count > Self.maximumShown ? " in …" : "")"
            case .full: "would be more than \(Category.maximumCount) categories"
            }
        }
    }

    /// Parents before their children.
    private(set) var placed: [(row: Row, new: Category, old: Category?)] = []
    /// In the order of `rows`.
    private(set) var waiting: [(row: Row, obstacle: Obstacle)] = []
    /// Includes the categories of `placed`.
    private(set) var shelf: CategoryShelf

    /// - Parameter rows: at most one for each slug.
    init(_ rows: [Row], on shelf: CategoryShelf) {
        self.shelf = shelf
        var open = Dictionary(rows.map { ($0.slug, $0) }, uniquingKeysWith: { first, _ in first })
        var obstacles: [String: Obstacle] = [:]
        // Each round takes out at least one row, and the category that it would have moved stays where it is. So other rows may fit now, or no longer fit.
        var order: [Row] = []
        var found: [String: Obstacle]
        repeat {
            found = Self.obstacles(open, shelf)
            if found.isEmpty {
                order = Self.order(rows, open, shelf)
                found = Self.surplus(order, shelf)
            }
            for (slug, obstacle) in found {
                open[slug] = nil
                obstacles[slug] = obstacle
            }
        } while !found.isEmpty
        for row in order {
            let old = self.shelf[row.slug]
            let new = row.category(over: old)
            self.shelf[row.slug] = new
            placed.append((row, new, old))
        }
        waiting = rows.compactMap { row in obstacles[row.slug].map { (row, $0) } }
    }

    /// The open rows, parents before their children.
    private static func order(_ rows: [Row], _ open: [String: Row], _ shelf: CategoryShelf) -> [Row] {
        var open = open
        var order: [Row] = []
        for row in rows {
            var path: [Row] = []
            var next = open.removeValue(forKey: row.slug)
            while let current = next {
                path.append(current)
                next = current.category(over: shelf[current.slug]).parent.flatMap { open.removeValue(forKey: $0) }
            }
            order += path.reversed()
        }
        return order
    }

    /// The rows whose new categories would exceed ``Category/maximumCount``.
    private static func surplus(_ order: [Row], _ shelf: CategoryShelf) -> [String: Obstacle] {
        var room = Category.maximumCount - shelf.bySlug.count
        var surplus: [String: Obstacle] = [:]
        for row in order where shelf[row.slug] == nil {
            room -= 1
            if room < 0 { surplus[row.slug] = .full }
        }
        return surplus
    }

    /// The rows that cannot be placed: those whose parent does not exist, those that form a cycle, and those below a category that cannot be created.
    private static func obstacles(_ open: [String: Row], _ shelf: CategoryShelf) -> [String: Obstacle] {
        var obstacles: [String: Obstacle] = [:]
        var visited: Set<String> = []
        func moves(_ slug: String) -> Bool { open[slug].map { $0.category(over: shelf[slug]).parent != shelf[slug]?.parent } ?? false }
        for start in open.keys where !visited.contains(start) {
            var path: [String] = []
            var places: [String: Int] = [:]
            var next: String? = start
            while let slug = next, !visited.contains(slug) {
                guard open[slug] != nil || shelf[slug] != nil else { break }
                visited.insert(slug)
                places[slug] = path.count
                path.append(slug)
                next = (open[slug]?.category(over: shelf[slug]) ?? shelf[slug])?.parent
            }
            guard var above = next else { continue }
            var end = path.count
            if let first = places[above] {
                let cycle = Array(path[first...])
                for (place, slug) in cycle.enumerated() where moves(slug) {
                    obstacles[slug] = .cycle(Array([cycle[place...], cycle[..<place], [slug]].joined().prefix(Obstacle.maximumKept)))
                }
                end = first
            } else if shelf[above] != nil || open[above] != nil && obstacles[above] == nil {
                // The rest of the path was visited before: the category above exists, or nothing keeps it from being created.
                continue
            }
            // Back down: a category cannot be created or moved below one that cannot be created.
            for slug in path[..<end].reversed() where shelf[above] == nil {
                obstacles[slug] = .noParent(above)
                above = slug
            }
        }
        return obstacles
    }
}
