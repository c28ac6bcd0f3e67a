import Terminal

/// A waterfall for people: a line a step, with its parts in milliseconds and as a bar.
struct WaterfallText {
    /// Characters of the bars.
    private static let width = 50
    let waterfall: Waterfall

    func text(_ paint: Paint) -> String {
        let titles = ["one order alone, ms", "times", "from", "way", "first commit", "outside", "commit", "confirm", ""]
        let answer = ["answered", "", Figures.text(waterfall.answered), "", "", "", "", "", ""]
        let steps = Set(waterfall.rows.map(\.step))
        let others = waterfall.turnsByOperation.filter { !steps.contains($0.key) }.sorted { $0.key < $1.key }
        let queries = others.map { [$0.key, Figures.text($0.value), "", "", "", "", "", "", ""] }
        return TextTable.text(titles, waterfall.rows.map(cells) + [answer] + queries, paint)
    }

    private func cells(_ row: Waterfall.Row) -> [String] {
        let outsideFrom = row.intended ?? row.taken
        let transactionFrom = row.acted ?? outsideFrom
        return [
            row.step, Figures.text(waterfall.turnsByOperation[row.step] ?? 0), Figures.text(row.sent), Figures.text(row.taken - row.sent), row.intended.map { Figures.text($0 - row.taken) } ?? "",
            row.acted.map { Figures.text($0 - outsideFrom) } ?? "", Figures.text(row.handled - transactionFrom),
            Figures.text(row.confirmed - row.handled), bar(row),
        ]
    }

    /// `·` on the way, `#` at work, `-` until what follows is confirmed.
    private func bar(_ row: Waterfall.Row) -> String {
        let end = max(waterfall.answered, waterfall.rows.map(\.confirmed).max() ?? 0)
        guard end > 0 else { return "" }
        func place(_ time: Double) -> Int { min(Self.width, max(0, Int((time / end * Double(Self.width)).rounded()))) }
        let (sent, taken, handled, confirmed) = (place(row.sent), place(row.taken), place(row.handled), place(row.confirmed))
        return String(repeating: " ", count: sent) + String(repeating: "·", count: max(0, taken - sent))
            + String(repeating: "#", count: max(1, handled - taken)) + String(repeating: "-", count: max(0, confirmed - max(handled, taken + 1)))
    }
}
