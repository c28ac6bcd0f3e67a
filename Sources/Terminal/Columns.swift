/// One column of a list of items.
package struct Column<Item>: Sendable {
    package let title: String
    /// Numbers are aligned at the right.
    let isNumber: Bool
    package let text: @Sendable (Item) -> String
    /// The same for programs, such as a time in place of an age.
    let plain: @Sendable (Item) -> String

    package init(
        _ title: String, isNumber: Bool = false, plain: (@Sendable (Item) -> String)? = nil, _ text: @escaping @Sendable (Item) -> String
    ) {
        self.title = title
        self.isNumber = isNumber
        self.text = text
        self.plain = plain ?? text
    }
}

/// A list of any length as text: aligned columns on a terminal, tab-separated lines elsewhere. It is written page by page, and no page is kept.
package struct Columns<Item>: Sendable {
    private static var gap: String { "  " }
    /// With fewer characters left for the last column, which holds the longest texts, an item takes two lines.
    private static var leastOfLast: Int { 32 }

    private let columns: [Column<Item>]
    private let folds: Bool
    private var widths: [Int]
    private var hasTitles = false
    /// The column that begins the second line of an item; nil while each takes one line.
    private var fold: Int?

    /// - Parameter folds: False if each item must take one line.
    package init(_ columns: [Column<Item>], folds: Bool = true) {
        self.columns = columns
        self.folds = folds
        widths = columns.map(\.title.count)
    }

    /// For programs: no titles, one line an item.
    package func plain(_ items: [Item]) -> String {
        items.map { item in columns.map { $0.plain(item).printable }.joined(separator: "\t") + "\n" }.joined()
    }

    /// For people: titles above the first page; later pages are at least as wide. Columns that do not fit into `width` move to a second line of each item, and the last
    /// column is cut to what is left.
    package mutating func table(_ items: [Item], _ paint: Paint, width: Int?) -> String {
        let rows = items.map { item in columns.map { $0.text(item).printable } }
        for row in rows { widths = zip(widths, row).map { max($0, $1.count) } }
        if folds, let width, fold == nil { fold = place(beyond: width) }
        var lines = rows.flatMap { self.lines($0, width) }
        if !hasTitles { lines.insert(contentsOf: self.lines(columns.map(\.title), width).map(paint.dim), at: 0) }
        hasTitles = true
        return lines.map { $0 + "\n" }.joined()
    }

    /// The first column that does not fit into `width`; nil if all do.
    private func place(beyond width: Int) -> Int? {
        var end = 0
        for (place, own) in widths.enumerated() {
            end += place == widths.count - 1 ? min(own, Self.leastOfLast) : own
            if place > 0, end > width { return place }
            end += Self.gap.count
        }
        return nil
    }

    private func lines(_ cells: [String], _ width: Int?) -> [String] {
        let places = Array(cells.indices)
        let parts = fold.map { [places.prefix($0), places.dropFirst($0)] } ?? [places[...]]
        return parts.enumerated().map { number, part in
            let line = (number == 0 ? "" : Self.gap) + part.map { $0 == part.last && !columns[$0].isNumber ? cells[$0] : padded(cells[$0], $0) }.joined(separator: Self.gap)
            return width.map { line.cut(to: $0) } ?? line
        }
    }

    private func padded(_ cell: String, _ place: Int) -> String {
        let space = String(repeating: " ", count: max(0, widths[place] - cell.count))
        return columns[place].isNumber ? space + cell : cell + space
    }
}
