import Messaging

/// The words by which a letter is found: those of its body, and its headers.
///
/// A search begins at a word's beginning: the index finds the letters that have all its words, the last of which may be incomplete, and the body itself is
/// compared with the text.
enum SearchWords {
    /// The part of a body that is searched, in bytes.
    static let maximumBody = 16 << 10
    /// Different words of one body.
    static let maximumWords = 200
    static let maximumHeaders = 30
    /// Bytes of a word; of a longer one, its beginning is found.
    static let maximumWord = 40
    /// Bytes of a header with its value; of a longer one, its beginning is compared in the index.
    static let maximumHeader = 120
    /// Separates words where they are passed as one text.
    static let separator = "\u{1F}"

    /// All words of a letter, joined; nil when it has none.
    static func joined(body: [UInt8], headers: [String: String]) -> String? {
        var known: Set<String> = []
        for word in words(of: body.prefix(maximumBody)) where known.count < maximumWords { known.insert(word) }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }).prefix(maximumHeaders) { known.insert(header(name, value)) }
        return known.isEmpty ? nil : known.joined(separator: separator)
    }

    /// In lower case; a word has letters and digits, and at least two of them.
    static func words(of text: some Sequence<UInt8>) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var isASCII = true
        func end() {
            // A truncated multi-byte character becomes U+FFFD, both here and in a search.
            if word.count > 1 {
                let text = String(decoding: word.prefix(maximumWord), as: UTF8.self)
                words.append(isASCII ? text : text.lowercased())
            }
            word.removeAll(keepingCapacity: true)
            isASCII = true
        }
        for byte in text {
            if byte.isWord, byte != UInt8(ascii: "_") {
                word.append(byte.lowerCase)
                if byte >= 0x80 { isASCII = false }
            } else {
                end()
            }
        }
        end()
        return words
    }

    /// No word of a body begins with a colon.
    static func header(_ name: String, _ value: String) -> String {
        var text = ":\(name):\(value)".storable
        if text.utf8.contains(0x1F) { text = text.replacing(separator, with: " ") }
        return text.utf8.count <= maximumHeader ? text : String(decoding: text.utf8.prefix(maximumHeader), as: UTF8.self)
    }

    /// The condition of the index for a text, in the language of `tsquery`; nil when it has no word.
    static func query(text: String) -> String? {
        let words = words(of: text.utf8)
        guard let last = words.last else { return nil }
        let isComplete = text.utf8.last.map { !$0.isWord || $0 == UInt8(ascii: "_") } ?? true
        return (words.dropLast().map(quoted) + [quoted(last) + (isComplete ? "" : ":*")]).joined(separator: " & ")
    }

    static func query(header name: String, _ value: String) -> String { quoted(header(name, value)) }

    private static func quoted(_ word: String) -> String {
        "'\(word.replacing("\\", with: "\\\\").replacing("'", with: "''"))'"
    }
}

extension UInt8 {
    /// In ASCII.
    fileprivate var lowerCase: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
