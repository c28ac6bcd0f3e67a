import Contracts

/// The parts of a product that a search has matched, marked with `<em>`. Everything else is escaped, so that it can be inserted in a page.
struct Highlight: Sendable, Codable, Equatable {
    /// Absent where nothing in it matched.
    let name: String?
    let description: String?

    /// Nil where neither matches.
    init?(name: String, description: String, text: SearchText) {
        let words = MarkedWords(text)
        self.name = words.mark(name)
        self.description = words.mark(description, around: Self.context)
        if self.name == nil, self.description == nil { return nil }
    }

    /// Characters of a description before the first match, and in all.
    private static let context = (before: 60, length: 240)
}

private struct MarkedWords {
    private var whole: Set<String> = []
    private var beginnings: [String] = []

    init(_ text: SearchText) {
        for slot in text.slots {
            for word in slot.words {
                if word.unicodeScalars.count < SearchText.shortestPrefix { whole.insert(word) } else { beginnings.append(word) }
            }
            whole.formUnion(slot.synonyms.flatMap(\.self) + slot.corrections)
        }
    }

    /// Nil where none of the words occurs.
    func mark(_ text: String, around context: (before: Int, length: Int)? = nil) -> String? {
        let found = Self.words(in: text).filter { contains($0) }
        guard let first = found.first else { return nil }
        var start = text.startIndex
        var end = text.endIndex
        if let context {
            start = text.index(first.startIndex, offsetBy: -context.before, limitedBy: start) ?? start
            end = text.index(start, offsetBy: context.length, limitedBy: end) ?? end
        }
        var marked = start > text.startIndex ? "…" : ""
        var rest = start
        for word in found where word.endIndex <= end {
            marked += Self.escaped(text[rest..<word.startIndex]) + "<em>" + Self.escaped(word) + "</em>"
            rest = word.endIndex
        }
        return marked + Self.escaped(text[rest..<end]) + (end < text.endIndex ? "…" : "")
    }

    private func contains(_ word: Substring) -> Bool {
        let folded = word.folded
        return whole.contains(folded) || beginnings.contains { folded.hasPrefix($0) }
    }

    private static func words(in text: String) -> [Substring] {
        var words: [Substring] = []
        var rest = text[...]
        while let start = rest.firstIndex(where: { $0.isLetter || $0.isNumber }) {
            rest = rest[start...]
            // Chinese, Japanese and Korean have one character per word.
            let end = rest.first.map(isWord) == true ? rest.index(after: start) : rest.firstIndex { !($0.isLetter || $0.isNumber) || isWord($0) } ?? rest.endIndex
            words.append(rest[..<end])
            rest = rest[end...]
        }
        return words
    }

    private static func isWord(_ character: Character) -> Bool {
        guard let scalar = character.unicodeScalars.first?.value else { return false }
        return (0x3040...0x30FF).contains(scalar) || (0x3400...0x9FFF).contains(scalar) || (0xAC00...0xD7AF).contains(scalar)
    }

    private static func escaped(_ text: Substring) -> String { String(text).escapedForHTML }
}
