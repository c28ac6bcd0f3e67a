import Contracts

/// Text as HTML.
struct HTML {
    /// Where the code of a text is explained: `POST /v1/carts` on the page of its operation.
    var links: [String: String] = [:]

    static func escape(_ text: String) -> String { text.escapedForHTML }

    /// Escaped, with the `code` and the **emphasis** of Markdown.
    func inline(_ text: String) -> String {
        let parts = Self.escape(text).split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            // Text between two back-ticks has an odd index.
            let isPaired = index < parts.count - 1
            return index % 2 == 0 ? Self.emphasised(part) : isPaired ? code(part) : "`" + Self.emphasised(part)
        }.joined()
    }

    private func code(_ text: Substring) -> String {
        guard let link = links[String(text)] else { return "<code>\(text)</code>" }
        return "<a href=\"\(link)\"><code>\(text)</code></a>"
    }

    private static func emphasised(_ text: Substring) -> String {
        var html = ""
        var rest = text
        while let start = rest.firstRange(of: "**"), let end = rest[start.upperBound...].firstRange(of: "**") {
            html += rest[..<start.lowerBound] + "<b>" + rest[start.upperBound..<end.lowerBound] + "</b>"
            rest = rest[end.upperBound...]
        }
        return html + rest
    }

    /// The blocks of Markdown that the document uses: paragraphs, `##` headings, `-` lists and fenced code. Empty lines separate paragraphs and lists.
    func prose(_ text: String) -> String {
        var html = ""
        var paragraph: [String] = []
        var code: [String]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                html += block(paragraph) + (code.map { Self.preformatted($0.joined(separator: "\n")) } ?? "")
                paragraph = []
                code = code == nil ? [] : nil
            } else if code != nil {
                code?.append(line)
            } else if line.hasPrefix("## ") {
                let title = String(line.dropFirst(3))
                html += block(paragraph) + "<h2 id=\"\(Self.anchor(title))\">\(inline(title))</h2>"
                paragraph = []
            } else if line.allSatisfy(\.isWhitespace) {
                html += block(paragraph)
                paragraph = []
            } else {
                paragraph.append(line)
            }
        }
        return html + block(paragraph)
    }

    private func block(_ lines: [String]) -> String {
        guard let first = lines.first else { return "" }
        guard first.hasPrefix("- ") else { return "<p>\(inline(lines.joined(separator: "\n")))</p>" }
        var items: [String] = []
        for line in lines {
            if line.hasPrefix("- ") { items.append(String(line.dropFirst(2))) } else { items.append((items.popLast() ?? "") + "\n" + line) }
        }
        return "<ul>\(items.map { "<li>\(inline($0))</li>" }.joined())</ul>"
    }

    /// The origin in examples. The page's script puts the shop's own in its place.
    static let origin = "https://shop.example"

    /// Code as it stands; it can be reached with the keyboard, to scroll it.
    static func preformatted(_ text: String) -> String {
        var html = escape(text)
        var place = html.startIndex
        while let found = html[place...].firstRange(of: origin) {
            let marked = "<span class=\"origin\">\(origin)</span>"
            let offset = html.distance(from: html.startIndex, to: found.lowerBound) + marked.count
            html.replaceSubrange(found, with: marked)
            place = html.index(html.startIndex, offsetBy: offset)
        }
        return "<pre tabindex=\"0\"><code>\(html)</code></pre>"
    }

    /// The headings of a text with their anchors, in its order.
    static func headings(_ text: String) -> [(title: String, anchor: String)] {
        text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { line in
            let title = String(line.dropFirst(3))
            return (title, anchor(title))
        }
    }

    static func anchor(_ title: String) -> String {
        title.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
    }
}
