import FoundationEssentials
import Operator
import Terminal

extension Browser {
    /// Lines that do not belong to the list: the title, the column titles, and the last line with keys or a question.
    private static let furniture = 3

    /// The number of lines below a list that show the text of the selected item, which the list truncates.
    private static let details = 2
    /// A screen with fewer rows has no such lines.
    private static let leastForDetails = 12

    private static func details(_ rows: Int) -> Int { rows < leastForDetails ? 0 : details }

    /// How many lines of a list fit on a screen of this many rows.
    static func page(_ rows: Int) -> Int { max(1, rows - furniture - details(rows)) }

    /// The screen: exactly `rows` lines, none of more than `columns` characters.
    func lines(rows: Int, columns: Int, at now: Date, paint: Paint) -> [String] {
        let page = Self.page(rows)
        let title = paint.bold(heading.cut(to: columns))
        let (names, body) = content(page, columns, now, paint)
        let blank = [String](repeating: "", count: max(0, page - body.count))
        let list: [String] = Array(body.prefix(page)) + blank
        let lines: [String] = [title, paint.dim(names.cut(to: columns))] + list + bottom(rows, columns, paint)
        return Array(lines.prefix(max(rows, 1)))
    }

    /// The number of lines of the letter shown.
    func letterLines(_ columns: Int, _ paint: Paint) -> [String] {
        let lines = whole.map { LetterText($0, terminal: Terminal(isLive: true, isColoured: paint.isColoured)).lines } ?? []
        return lines.flatMap { $0.wrapped(toVisible: columns) }
    }

    private var heading: String {
        switch place {
        case .groups: "Dead letters: \(groups.count) groups, \(groups.reduce(0) { $0 + $1.open }) open" + loading
        case .letters(let group):
            "\(group.flatMap { id in groups.first { $0.id == id }?.title } ?? "All letters")".printable + " – \(state)" + (text.map { ", with “\($0.printable)”" } ?? "") + loading
        case .letter(let id): "Letter \(id)".printable + loading
        case .help: "Keys"
        }
    }

    private var loading: String { isLoading ? " …" : "" }

    private func content(_ page: Int, _ columns: Int, _ now: Date, _ paint: Paint) -> (names: String, body: [String]) {
        switch place {
        case .groups:
            return list(groups, LetterGroup.browsed(at: now), selected: groupIndex, page, columns, paint)
        case .letters where letters.isEmpty && !isLoading:
            return ("", nothing.wrapped(toVisible: columns))
        case .letters:
            return list(letters, Letter.browsed(at: now), selected: letterIndex, page, columns, paint)
        case .letter:
            return ("", Array(letterLines(columns, paint).dropFirst(scroll).prefix(page)))
        case .help:
            return ("", Self.help.map { $0.cut(to: columns) })
        }
    }

    /// The text that is shown instead of an empty list of letters.
    private var nothing: String {
        let letter = state == "all" ? "No letter" : "No \(state) letter"
        guard let text else { return "\(letter). s shows the next state." }
        return "\(letter) with “\(text.printable)”. c clears the search, / changes it, s shows the next state."
    }

    /// The part of a list with the selected item in it.
    private func list<Item>(
        _ items: [Item], _ columns: [Column<Item>], selected: Int, _ page: Int, _ width: Int, _ paint: Paint
    ) -> (names: String, body: [String]) {
        let start = max(0, min(selected - page / 2, items.count - page))
        let shown = Array(items.dropFirst(start).prefix(page))
        var table = Columns(columns, folds: false)
        let lines = table.table(shown, Paint(isColoured: false), width: width).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let body = lines.dropFirst().prefix(shown.count).enumerated().map { place, line in
            start + place == selected ? paint.inverse(line.padded(to: width)) : line
        }
        return (lines.first ?? "", Array(body))
    }

    /// What went wrong with the selected item.
    private func details(_ rows: Int, _ columns: Int) -> [String] {
        let selected: String? =
            switch place {
            case .groups: groups.indices.contains(groupIndex) ? groups[groupIndex].summary : nil
            case .letters: letters.indices.contains(letterIndex) ? letters[letterIndex].summary : nil
            case .letter, .help: nil
            }
        let lines = Array((selected ?? "").printable.wrapped(toVisible: columns).prefix(Self.details(rows)))
        return lines + [String](repeating: "", count: Self.details(rows) - lines.count)
    }

    /// The details, and a line with a question, a message or the keys. A long message replaces some of the details.
    private func bottom(_ rows: Int, _ columns: Int, _ paint: Paint) -> [String] {
        let details = details(rows, columns)
        if let question { return details + [paint.accent(Self.text(question).cut(to: columns))] }
        guard !message.isEmpty else { return details + [paint.dim(keys.cut(to: columns))] }
        let lines = message.split(separator: "\n").flatMap { String($0).printable.wrapped(toVisible: columns) }.prefix(details.count + 1)
        return details.prefix(details.count + 1 - lines.count) + lines.map(paint.accent)
    }

    private static func text(_ question: Question) -> String {
        switch question {
        case .search(let typed): "Text in the body: \(typed.printable)▏"
        case .decide(let decision, let letter): "\(decision.rawValue) \(letter)? y/n".printable
        case .decideAll(let decision, _, let count, let orders): "\(decision.rawValue) \(count) letters of \(orders) orders? y/n"
        case .keepEdit(let letter, _): "Keep the edited body of \(letter)? y/n".printable
        }
    }

    private var keys: String {
        switch place {
        case .groups: "↑↓ move  ⏎ open  a all  / search  r replay  d discard  R refresh  ? keys  q quit"
        case .letters: "↑↓ move  ⏎ open  / search  s state  r replay  e edit  d discard  u restore  q back"
        case .letter: "↑↓ scroll  r replay  e edit  d discard  u restore  ? keys  q back"
        case .help: "q back"
        }
    }

    private static let help = [
        "", "  ↑ ↓ k j          one line", "  PgUp PgDn blank  one page", "  Home End g G     first, last", "  Enter → l        open", "  Esc ← q h        back; at the groups: quit",
        "  a                letters of all groups", "  /                search text in bodies", "  c                clear the search",
        "  s                next state: open, replayed, handled, discarded, all",
        "  r                replay a letter, or all open letters of a group", "  e                edit the body in $EDITOR", "  d                discard",
        "  u                restore a discarded letter",
        "  R                refresh", "  Ctrl-C           quit",
    ]
}

extension LetterGroup {
    /// For 80 columns.
    fileprivate static func browsed(at now: Date) -> [Column<LetterGroup>] {
        [
            Column("open", isNumber: true) { "\($0.open)" }, Column("orders", isNumber: true) { "\($0.orders)" }, Column("last", isNumber: true) { now.timeIntervalSince($0.lastSeenAt).age },
            Column("24 hours") { $0.perHour.sparkline },
            Column("what") { ($0.state == "open" && ($0.returned ?? "never") == "never" ? "" : "[\($0.mark)] ") + $0.summary },
        ]
    }

    fileprivate var summary: String { "\(operation ?? service ?? "-"): \(title)" }
}

extension Letter {
    fileprivate static func browsed(at now: Date) -> [Column<Letter>] {
        [
            Column("age", isNumber: true) { now.timeIntervalSince($0.lastSeenAt).age }, Column("state") { $0.state + ($0.edited == true ? "*" : "") },
            Column("order") { $0.orderNumber ?? $0.orderId.map { String($0.prefix(8)) } ?? "-" }, Column("operation") { $0.operation ?? $0.queue },
            Column("cause") { $0.summary },
        ]
    }

    fileprivate var summary: String { "\(cause): \(detail)" }
}
