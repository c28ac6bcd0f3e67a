import Contracts

/// Text as HTML.
enum HTML {
    static func escape(_ text: String) -> String { text.escapedForHTML }

    /// Escaped, with the `code` and the **emphasis** of Markdown.
    static func inline(_ text: String) -> String {
        let parts = escape(text).split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            // Text between two back-ticks has an odd index.
            index % 2 == 1 && index < parts.count - 1 ? "<code>\(part)</code>" : emphasised(part)
        }.joined()
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

    /// Paragraphs, separated by empty lines.
    static func prose(_ text: String) -> String {
        var paragraphs: [String] = [""]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.allSatisfy(\.isWhitespace) { paragraphs.append("") } else { paragraphs[paragraphs.count - 1] += line + "\n" }
        }
        return paragraphs.filter { !$0.isEmpty }.map { "<p>\(inline($0))</p>" }.joined()
    }
}
