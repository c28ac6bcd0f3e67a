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

    private let columns: [Column<Item>]
    private var widths: [Int]
    private var hasTitles = false

    package init(_ columns: [Column<Item>]) {
        self.columns = columns
        widths = columns.map(\.title.count)
    }

    /// For programs: no titles, one line an item.
    package func plain(_ items: [Item]) -> String {
        items.map { item in columns.map { $0.plain(item).printable }.joined(separator: "\t") + "\n" }.joined()
    }

    /// For people: titles above the first page; later pages are at least as wide. The last column is cut to what is left of `width`.
    package mutating func table(_ items: [Item], _ paint: Paint, width: Int?) -> String {
        let rows = items.map { item in columns.map { $0.text(item).printable } }
        for row in rows { widths = zip(widths, row).map { max($0, $1.count) } }
        var lines = rows.map { line($0, width) }
        if !hasTitles { lines.insert(paint.dim(line(columns.map(\.title), width)), at: 0) }
        hasTitles = true
        return lines.map { $0 + "\n" }.joined()
    }

    private func line(_ cells: [String], _ width: Int?) -> String {
        var line = ""
        for (place, cell) in cells.enumerated() {
            let isLast = place == cells.count - 1
            let space = String(repeating: " ", count: max(0, widths[place] - cell.count))
            line += columns[place].isNumber ? space + cell : isLast ? cell : cell + space
            if !isLast { line += Self.gap }
        }
        return width.map { line.cut(to: $0) } ?? line
    }
}
