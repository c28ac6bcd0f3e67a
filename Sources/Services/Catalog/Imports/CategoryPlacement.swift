/// Which rows of an import of categories can be applied together, in whatever order they stand. A row must wait if its parent is not there yet, or if it would
/// close a circle as long as the rows that follow do not open it.
struct CategoryPlacement {
    /// What a row says of a category.
    struct Row: Sendable, Equatable {
        let line: Int
        let slug: String
        let name: String?
        /// Nil for a row that does not say; a null inside is the top.
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
        /// The slugs on the way up from the category to itself, which is the first and the last.
        case circle([String])
        /// It would be more than ``Category/maximumCount``.
        case full

        private static let maximumShown = 10

        var reason: String {
            switch self {
            case .noParent: "is no category of the shop, and none that this file can create"
            case .circle(let path):
                "would close a circle: \(path.prefix(Self.maximumShown).joined(separator: " in "))\(path.count > Self.maximumShown ? " in …" : "")"
            case .full: "would be more than \(Category.maximumCount) categories"
            }
        }
    }

    /// Parents before their children.
    private(set) var placed: [(row: Row, new: Category, old: Category?)] = []
    /// In the order of `rows`.
    private(set) var waiting: [(row: Row, obstacle: Obstacle)] = []
    /// With the categories of `placed`.
    private(set) var shelf: CategoryShelf

    /// - Parameter rows: at most one for each slug.
    init(_ rows: [Row], on shelf: CategoryShelf) {
        self.shelf = shelf
        var open = Dictionary(rows.map { ($0.slug, $0) }, uniquingKeysWith: { first, _ in first })
        var obstacles: [String: Obstacle] = [:]
        // Each round takes out at least one row, and what it would have moved stays where it was. So other rows may fit, or no longer do.
        while true {
            let found = Self.obstacles(open, shelf)
            guard !found.isEmpty else { break }
            for (slug, obstacle) in found {
                open[slug] = nil
                obstacles[slug] = obstacle
            }
        }
        for row in rows where open[row.slug] != nil { place(row, &open, &obstacles) }
        waiting = rows.compactMap { row in obstacles[row.slug].map { (row, $0) } }
    }

    /// Places the row after those above it that have not been placed yet.
    private mutating func place(_ row: Row, _ open: inout [String: Row], _ obstacles: inout [String: Obstacle]) {
        var path: [Row] = []
        var next: Row? = row
        while let current = next {
            path.append(current)
            open[current.slug] = nil
            next = current.category(over: shelf[current.slug]).parent.flatMap { open[$0] }
        }
        for row in path.reversed() {
            let old = shelf[row.slug]
            let new = row.category(over: old)
            if old == nil, shelf.bySlug.count >= Category.maximumCount {
                obstacles[row.slug] = .full
            } else if let parent = new.parent, shelf[parent] == nil {
                obstacles[row.slug] = .noParent(parent)
            } else {
                shelf[row.slug] = new
                placed.append((row, new, old))
            }
        }
    }

    /// The rows that are in the way of others or of themselves: those without a parent, those on a circle, and those that are to create categories below these.
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
                let circle = Array(path[first...])
                for (place, slug) in circle.enumerated() where moves(slug) {
                    obstacles[slug] = .circle(Array(circle[place...]) + circle[..<place] + [slug])
                }
                end = first
            } else if shelf[above] != nil || open[above] != nil && obstacles[above] == nil {
                // The rest of the path was visited before, and nothing is in its way, or only in that of a category that exists already.
                continue
            }
            // Down again: a category cannot be created, or moved, below one that cannot be created.
            for slug in path[..<end].reversed() where shelf[above] == nil {
                obstacles[slug] = .noParent(above)
                above = slug
            }
        }
        return obstacles
    }
}
