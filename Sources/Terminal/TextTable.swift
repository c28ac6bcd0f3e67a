/// Columns of text, each as wide as it needs to be.
package enum TextTable {
    /// The first column begins at the left, and so does the last; the others end at the right.
    package static func text(_ titles: [String], _ rows: [[String]], _ paint: Paint) -> String {
        let widths = titles.indices.map { column in ([titles] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            cells.enumerated().map { column, cell in
                if column == cells.count - 1 { return cell }
                let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        return ([paint.dim(line(titles))] + rows.map(line)).joined(separator: "\n")
    }
}
