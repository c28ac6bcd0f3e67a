import Contracts
import FoundationEssentials
import Operator
import Terminal

/// The parts that pages are made of.
enum Part {
    /// The duration since a time, with the time itself as a tooltip and for programs.
    static func age(_ time: Date, _ now: Date) -> Markup { duration(now.timeIntervalSince(time), time) }

    /// The duration until a time, in the same form.
    static func until(_ time: Date, _ now: Date) -> Markup { duration(time.timeIntervalSince(now), time) }

    private static func duration(_ seconds: Double, _ time: Date) -> Markup {
        let exact = time.ISO8601Format()
        return "<time datetime=\"\(exact)\" title=\"\(exact)\">\(max(0, seconds).age)</time>"
    }

    static func moment(_ time: Date) -> Markup {
        "<time datetime=\"\(time.ISO8601Format())\">\(time.short)</time>"
    }

    static func badge(_ text: String, _ tone: Tone = .plain) -> Markup { "<span class=\"badge \(tone.rawValue)\">\(text)</span>" }

    static func link(_ text: String, _ path: String, class name: String? = nil) -> Markup {
        guard let name else { return "<a href=\"\(path)\">\(text)</a>" }
        return "<a class=\"\(name)\" href=\"\(path)\">\(text)</a>"
    }

    static func code(_ text: String) -> Markup { "<code>\(text.printable)</code>" }

    /// Labels and values.
    static func facts(_ facts: [(String, Markup?)]) -> Markup {
        let rows = facts.compactMap { label, value in value.map { "<div><dt>\(label)</dt><dd>\($0)</dd></div>" as Markup } }
        return rows.isEmpty ? .nothing : "<dl class=\"facts\">\(rows)</dl>"
    }

    static func section(_ title: String, _ content: Markup, more: Markup? = nil) -> Markup {
        "<section><header class=\"bar\"><h2>\(title)</h2>\(more)</header>\(content)</section>"
    }

    static func empty(_ text: String) -> Markup { "<p class=\"empty\">\(text)</p>" }

    static func note(_ content: Markup, _ tone: Tone = .plain) -> Markup { "<div class=\"note \(tone.rawValue)\">\(content)</div>" }

    /// Preformatted text, which can be focused with the keyboard to scroll it.
    static func text(_ lines: [String], label: String) -> Markup {
        "<pre tabindex=\"0\" role=\"region\" aria-label=\"\(label)\">\(lines.map(\.printable).joined(separator: "\n"))</pre>"
    }

    /// The links at the end of a list.
    static func pager(_ path: [String], _ query: [String: String?], next: String?, isFirst: Bool) -> Markup {
        guard next != nil || !isFirst else { return .nothing }
        func address(_ cursor: String?) -> String { Link.to(path, query: query.merging(["cursor": cursor]) { $1 }) }
        let first: Markup = isFirst ? .nothing : link("First page", address(nil))
        let more: Markup = next.map { link("Next page", address($0), class: "next") } ?? .nothing
        return "<nav class=\"pager\" aria-label=\"Pages\">\(first)\(more)</nav>"
    }

    /// Reports why a part of a page is missing.
    static func missing(_ error: any Error, _ service: String) -> Markup {
        note("<p>\(Trouble(error).text(service))</p>", .warn)
    }
}

enum Tone: String, Sendable {
    case plain, good, warn, bad, accent
}

/// A table that scrolls separately if it is wider than the screen.
struct Table: Sendable {
    struct Column: Sendable {
        let title: String
        var kind = Kind.text
        /// Hidden on narrow screens.
        var isWide = false

        init(_ title: String, _ kind: Kind = .text, wide: Bool = false) {
            self.title = title
            self.kind = kind
            isWide = wide
        }

        fileprivate var names: String { [kind == .number ? "number" : nil, isWide ? "wide" : nil].compactMap(\.self).joined(separator: " ") }
    }

    enum Kind: Sendable { case text, number }

    let label: String
    let columns: [Column]
    /// The first cell of each row is its heading.
    var rows: [[Markup]] = []

    init(_ label: String, _ columns: [Column], _ rows: [[Markup]]) {
        self.label = label
        self.columns = columns
        self.rows = rows
    }

    var markup: Markup {
        let head = columns.map { "<th scope=\"col\" class=\"\($0.names)\">\($0.title)</th>" as Markup }
        let body = rows.map { cells in
            let cells = zip(columns, cells).enumerated().map { place, cell -> Markup in
                place == 0 ? "<th scope=\"row\" class=\"\(cell.0.names)\">\(cell.1)</th>" : "<td class=\"\(cell.0.names)\">\(cell.1)</td>"
            }
            return "<tr>\(cells)</tr>" as Markup
        }
        return "<div class=\"scroll\" role=\"region\" aria-label=\"\(label)\" tabindex=\"0\"><table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>"
    }
}

extension Date {
    /// `2026-01-15 09:31:40` in UTC.
    var short: String { ISO8601Format().replacing("T", with: " ").replacing("Z", with: "") }
}
