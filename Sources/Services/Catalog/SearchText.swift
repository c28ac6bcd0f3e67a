/// A search text as a query of PostgreSQL's full text search.
struct SearchText: Sendable, Equatable {
    /// After folding; a SKU that is a UUID has six, Chinese one per character.
    static let maximumWords = 40
    /// A shorter prefix matches too many words.
    static let shortestPrefix = 2
    /// Shorter words, and those with digits, are not corrected: too many other words are close.
    static let shortestCorrected = 3
    /// Of one word.
    static let maximumCorrections = 12

    /// A word of the search, or several that share a synonym, and its equivalents.
    struct Slot: Sendable, Equatable {
        var words: [String]
        /// Each of one or more words.
        var synonyms: [[String]] = []
        /// Words that differ in one letter, where corrections are to match too.
        var corrections: [String] = []
    }

    var slots: [Slot]
    /// The lexeme of a product with this SKU or GTIN.
    let code: String

    /// - Parameters:
    ///   - folded: words separated by spaces.
    ///   - synonyms: groups of terms, folded in the same way, that may be relevant.
    init(folded: String, code: String, synonyms: [[String]] = []) {
        let words = folded.split(separator: " ").prefix(Self.maximumWords).map(String.init)
        let terms = Dictionary(
            synonyms.flatMap { group in group.map { ($0.split(separator: " ").map(String.init), group) } }, uniquingKeysWith: { $0 + $1 })
        let longest = terms.keys.map(\.count).max() ?? 0
        var slots: [Slot] = []
        var rest = words[...]
        while let first = rest.first {
            let term = stride(from: min(longest, rest.count), to: 0, by: -1).lazy.map { Array(rest.prefix($0)) }.first { terms[$0] != nil }
            let words = term ?? [first]
            let others = Set((terms[words] ?? []).map { $0.split(separator: " ").map(String.init) }).subtracting([words, []])
            slots.append(Slot(words: words, synonyms: others.sorted { $0.joined() < $1.joined() }))
            rest = rest.dropFirst(words.count)
        }
        self.slots = slots
        self.code = code
    }

    /// A text without letters and digits matches nothing but a code.
    var hasWords: Bool { !slots.isEmpty }

    var correctable: [String] { slots.flatMap(\.words).filter(Self.isCorrectable) }

    private static func isCorrectable(_ word: String) -> Bool {
        word.unicodeScalars.count >= shortestCorrected && !word.contains(where: \.isNumber)
    }

    /// Without the words that cannot be corrected; nil where that leaves nothing, or everything.
    var loosened: SearchText? {
        var text = self
        text.slots.removeAll { !$0.words.contains(where: Self.isCorrectable) }
        return text.slots.isEmpty || text == self ? nil : text
    }

    /// With the likely intended words, chosen from those that are close.
    func corrected(by near: [String: [String]]) -> SearchText {
        var text = self
        for place in text.slots.indices {
            guard case let words = text.slots[place].words, words.count == 1, let word = words.first else { continue }
            text.slots[place].corrections = Array((near[word] ?? []).filter { $0 != word && EditDistance.isOneLetter(word, $0) }.prefix(Self.maximumCorrections))
        }
        return text
    }

    // MARK: - Queries

    /// All words as they are, in any order.
    var exact: String { slots.map { Self.all($0.words) }.joined(separator: " & ") }

    /// Also words with these prefixes, and synonyms.
    var wide: String { query { Self.any([Self.beginnings($0.words)] + $0.synonyms.map { Self.all($0) }) } }

    /// Also corrections; `weight` narrows it to a part of the products' texts.
    func all(weight: String = "") -> String {
        query { slot in
            Self.any(
                [Self.beginnings(slot.words, weight)] + slot.synonyms.map { Self.all($0, weight) } + slot.corrections.map { Self.lexeme($0, weight) })
        }
    }

    var codeQuery: String { Self.quoted(code) }

    /// Matches the words, or the code.
    func match(_ query: String) -> String { query.isEmpty ? codeQuery : "(\(query)) | \(codeQuery)" }

    private func query(_ slot: (Slot) -> String) -> String { slots.map(slot).joined(separator: " & ") }

    private static func any(_ alternatives: [String]) -> String { "(\(alternatives.joined(separator: " | ")))" }

    private static func all(_ words: [String], _ weight: String = "") -> String {
        "(\(words.map { lexeme($0, weight) }.joined(separator: " & ")))"
    }

    private static func beginnings(_ words: [String], _ weight: String = "") -> String {
        "(\(words.map { lexeme($0, ($0.unicodeScalars.count < shortestPrefix ? "" : "*") + weight) }.joined(separator: " & ")))"
    }

    private static func lexeme(_ word: String, _ flags: String) -> String { quoted(word) + (flags.isEmpty ? "" : ":" + flags) }

    static func quoted(_ lexeme: String) -> String {
        var text = "'"
        for scalar in lexeme.unicodeScalars {
            if scalar == "'" || scalar == "\\" { text.unicodeScalars.append(scalar) }
            text.unicodeScalars.append(scalar)
        }
        return text + "'"
    }
}

enum EditDistance {
    /// Whether one becomes the other by inserting, removing or replacing a letter, or swapping two neighbours.
    static func isOneLetter(_ first: String, _ second: String) -> Bool {
        let (a, b) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
        guard abs(a.count - b.count) <= 1 else { return false }
        let start = zip(a, b).prefix { $0 == $1 }.count
        let (restA, restB) = (a[start...], b[start...])
        if restA.count != restB.count { return Array(restA.count > restB.count ? restA.dropFirst() : restA) == Array(restB.count > restA.count ? restB.dropFirst() : restB) }
        if Array(restA.dropFirst()) == Array(restB.dropFirst()) { return true }
        return restA.count >= 2 && Array(restA.prefix(2).reversed()) == Array(restB.prefix(2)) && Array(restA.dropFirst(2)) == Array(restB.dropFirst(2))
    }
}
