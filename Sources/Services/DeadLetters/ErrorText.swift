import FoundationEssentials
import Secrets

/// The text of an error without the parts that differ from message to message, so that errors of one kind have the same text.
///
/// These parts are replaced: quoted values (but not the names of tables, columns and constraints), UUIDs, times, e-mail addresses, URLs, paths, hexadecimal and decimal
/// numbers, and long identifiers. White space becomes a single blank. Normalising a normalised text does not change it.
enum ErrorText {
    /// The longest normalised text, in characters: enough to recognise an error, short enough for a column of a table.
    static let maximumLength = 200
    /// How much of a text is read, in bytes. The details of failures are shorter.
    static let maximumRead = 4_000

    static func normalised(_ text: String) -> String {
        var scanner = ErrorTextScanner(Array(text.utf8.prefix(maximumRead)))
        scanner.scan()
        let normalised = String(decoding: scanner.output, as: UTF8.self).prefix(maximumLength)
        return String(normalised.last == " " ? normalised.dropLast() : normalised)
    }
}

/// Reads UTF-8 from left to right. Bytes outside ASCII count as letters.
private struct ErrorTextScanner {
    /// The longest quoted value; past it, a quotation mark stands for itself.
    private static let maximumQuotation = 1_000
    /// What PostgreSQL calls its objects in messages. Unlike other quoted values, their names show what is wrong.
    private static let kinds = ["relation", "constraint", "column", "table", "index", "function", "schema", "type", "sequence", "trigger", "role"]

    private let input: [UInt8]
    private var place = 0
    private(set) var output: [UInt8] = []

    init(_ input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    mutating func scan() {
        while place < input.count {
            let byte = input[place]
            if byte.isBlank {
                if let last = output.last, last != .blank { output.append(.blank) }
                place += 1
            } else if let end = endOfQuotation(byte) {
                if followsKind { name(input[place..<end]) } else { write("<value>") }
                place = end
            } else if byte.isWord || byte.opensToken {
                token()
            } else {
                output.append(byte)
                place += 1
            }
        }
    }

    /// The index after the closing mark of a quoted value that begins here. An apostrophe within a word does not begin one.
    private func endOfQuotation(_ mark: UInt8) -> Int? {
        guard mark == UInt8(ascii: "'") || mark == UInt8(ascii: "\"") || mark == UInt8(ascii: "`") else { return nil }
        if place > 0, input[place - 1].isWord { return nil }
        let limit = min(input.count, place + Self.maximumQuotation)
        var end = place + 1
        while end < limit {
            if input[end] == mark, end + 1 == input.count || !input[end + 1].isWord { return end + 1 }
            end += 1
        }
        return nil
    }

    /// Whether the text so far ends with the kind of a database object whose name follows in quotation marks.
    private var followsKind: Bool {
        guard input[place] == UInt8(ascii: "\""), output.last == .blank else { return false }
        let text = output.dropLast()
        return Self.kinds.contains { kind in
            guard text.reversed().starts(with: kind.utf8.reversed()) else { return false }
            guard let before = text.dropLast(kind.utf8.count).last else { return true }
            return !before.isWord && before != UInt8(ascii: "-")
        }
    }

    /// A name in quotation marks, without the numbers in it.
    private mutating func name(_ quotation: ArraySlice<UInt8>) {
        var scanner = ErrorTextScanner(Array(quotation.dropFirst().dropLast()))
        scanner.scan()
        output += [UInt8(ascii: "\"")] + scanner.output + [UInt8(ascii: "\"")]
    }

    /// A run of characters without blanks, which is one value or several words.
    private mutating func token() {
        var end = place
        while end < input.count, input[end].isWord || input[end].connects { end += 1 }
        if let url = endOfURL(from: place, token: end) {
            write("<url>")
            place = url
            return
        }
        // A full stop or a colon at the end belongs to the sentence.
        while end > place + 1, !input[end - 1].isWord, input[end - 1] != UInt8(ascii: "/"), input[end - 1] != UInt8(ascii: "%") { end -= 1 }
        let text = input[place..<end]
        // What follows a replaced value belongs to its token: orders/<n>/items.
        let goesOn = place > 0 && input[place - 1] == UInt8(ascii: ">")
        place = end
        if let whole = ErrorValue(whole: text), !(goesOn && whole == .path) { write(whole) } else { pieces(of: text) }
    }

    private func endOfURL(from start: Int, token end: Int) -> Int? {
        let scheme = input[start..<end].prefix { $0.isWord }
        guard !scheme.isEmpty, input[scheme.endIndex..<end].starts(with: "://".utf8) else { return nil }
        var place = end
        while place < input.count, !input[place].isBlank, !input[place].endsURL { place += 1 }
        return place
    }

    /// A token that is not a single value: host:port, orders/17, W-000042.
    private mutating func pieces(of text: ArraySlice<UInt8>) {
        var start = text.startIndex
        while start < text.endIndex {
            if !text[start].isWord {
                output.append(text[start])
                start += 1
                continue
            }
            let piece = text[start...].prefix { $0.isWord || $0 == UInt8(ascii: "-") }
            start = piece.endIndex
            if let whole = ErrorValue(whole: piece) {
                write(whole)
            } else if let uuid = Self.uuid(in: piece) {
                words(of: piece[..<uuid.lowerBound])
                write(ErrorValue.uuid)
                // What follows it may be a word, or another UUID.
                start = uuid.upperBound
            } else {
                words(of: piece)
            }
        }
    }

    /// The first UUID in a run of words and hyphens, whatever it is joined to: order-<uuid>, cart_<uuid>, <uuid>s.
    private static func uuid(in piece: ArraySlice<UInt8>) -> Range<Int>? {
        let firstHyphen = 8
        guard piece.count >= UUID.textBytes else { return nil }
        return (piece.startIndex...piece.endIndex - UUID.textBytes).lazy.map { $0..<$0 + UUID.textBytes }.first {
            piece[$0.lowerBound + firstHyphen] == UInt8(ascii: "-") && ErrorValue(uuid: piece[$0]) != nil
        }
    }

    private mutating func words(of piece: ArraySlice<UInt8>) {
        for (index, word) in piece.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).enumerated() {
            if index > 0 { output.append(UInt8(ascii: "-")) }
            if let value = ErrorValue(word: word) { write(value) } else { digits(of: word) }
        }
    }

    /// A word with some digits in it.
    private mutating func digits(of word: ArraySlice<UInt8>) {
        var isNumber = false
        for byte in word {
            if byte.isDigit {
                if !isNumber { write("<n>") }
            } else {
                output.append(byte)
            }
            isNumber = byte.isDigit
        }
    }

    private mutating func write(_ value: ErrorValue) {
        // A date and the time after it are one time.
        if value == .time, output.ends(with: "<time> ") {
            output.removeLast()
        } else {
            write(value.rawValue)
        }
    }

    private mutating func write(_ text: String) { output.append(contentsOf: text.utf8) }
}

extension [UInt8] {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

extension UInt8 {
    fileprivate static let blank = UInt8(ascii: " ")

    fileprivate var isBlank: Bool { self == .blank || (9...13).contains(self) }
    /// Begins a path or a signed number.
    fileprivate var opensToken: Bool { "/~.+-\\".utf8.contains(self) }
    /// Between the words of one token.
    fileprivate var connects: Bool { "-.,:/@+~\\%".utf8.contains(self) }
    fileprivate var endsURL: Bool { "\"'`<>()[]{},;".utf8.contains(self) }
}
