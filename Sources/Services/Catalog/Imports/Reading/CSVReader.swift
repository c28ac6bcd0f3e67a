/// Reads records of CSV (RFC 4180, and what spreadsheets make of it): any of the three line ends, quoted line breaks, doubled quotes.
struct CSVReader {
    /// Of one record. A quote that is never closed would otherwise make one record of the rest of the file.
    static let maximumRecordBytes = 262_144

    struct Record: Equatable {
        /// Parts of what is read; one with doubled quotes is a copy without them.
        var fields: [ArraySlice<UInt8>]
        /// Where it begins, counted from 1.
        let line: Int
        /// What is wrong with its quotes.
        var flaw: String?

        /// An empty line.
        var isBlank: Bool { fields.count == 1 && fields.first?.isEmpty == true && flaw == nil }
    }

    private let bytes: [UInt8]
    private let delimiter: UInt8
    /// Whether the file ends where `bytes` ends.
    private let isLast: Bool
    /// Of what has been read, records as a whole.
    private(set) var position: Int
    /// Of the next record.
    private(set) var line: Int

    init(_ bytes: [UInt8], delimiter: UInt8, from position: Int = 0, line: Int = 1, isLast: Bool) {
        self.bytes = bytes
        self.delimiter = delimiter
        self.position = position
        self.line = line
        self.isLast = isLast
    }

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// The next record; nil at the end, and where the rest of it is not among the bytes.
    mutating func next() -> Record? {
        guard position < bytes.count else { return nil }
        var record = Record(fields: [], line: line)
        var place = position
        var breaks = 0
        while true {
            let (field, end, flaw) = field(at: place, &breaks)
            guard let end else { return abandoned(flaw) }
            record.fields.append(field)
            if let flaw { record.flaw = flaw }
            guard end - position <= Self.maximumRecordBytes else { return abandoned(nil) }
            guard end < bytes.count, bytes[end] == delimiter else {
                guard let next = lineEnd(at: end) else { return nil }
                line += breaks + (next > end ? 1 : 0)
                position = next
                return record
            }
            place = end + 1
        }
    }

    /// A field and where it ends; no end where the bytes do not have it.
    private func field(at start: Int, _ breaks: inout Int) -> (field: ArraySlice<UInt8>, end: Int?, flaw: String?) {
        guard start < bytes.count else { return ([], isLast ? start : nil, nil) }
        guard bytes[start] != Self.quote else { return quotedField(at: start, &breaks) }
        let end = unquotedEnd(from: start)
        return (bytes[start..<end], end < bytes.count || isLast ? end : nil, nil)
    }

    private func quotedField(at start: Int, _ breaks: inout Int) -> (field: ArraySlice<UInt8>, end: Int?, flaw: String?) {
        var copied: [UInt8] = []
        // Where the part begins that is not copied yet.
        var part = start + 1
        var place = start + 1
        while place < bytes.count {
            let byte = bytes[place]
            if byte == Self.quote {
                guard place + 1 < bytes.count || isLast else { return ([], nil, nil) }
                guard place + 1 < bytes.count, bytes[place + 1] == Self.quote else {
                    let end = unquotedEnd(from: place + 1)
                    guard end < bytes.count || isLast else { return ([], nil, nil) }
                    let field = copied.isEmpty ? bytes[part..<place] : (copied + bytes[part..<place])[...]
                    return (field, end, end > place + 1 ? "has text behind a closing quote" : nil)
                }
                copied += bytes[part...place]
                part = place + 2
                place += 1
            } else if byte == Self.lineFeed || byte == Self.carriageReturn && !(place + 1 < bytes.count && bytes[place + 1] == Self.lineFeed) {
                breaks += 1
            }
            place += 1
        }
        return ([], nil, Self.openQuote)
    }

    private static let openQuote = "opens a quote that is never closed"

    private func unquotedEnd(from start: Int) -> Int {
        let span = bytes.span
        var end = start
        while end < span.count {
            let byte = span[end]
            if byte == delimiter || byte == Self.lineFeed || byte == Self.carriageReturn { break }
            end += 1
        }
        return end
    }

    /// Behind the line end at `place`; nil where the bytes do not say whether there is more of it.
    private func lineEnd(at place: Int) -> Int? {
        guard place < bytes.count else { return isLast ? place : nil }
        guard bytes[place] == Self.carriageReturn else { return place + 1 }
        guard place + 1 < bytes.count else { return isLast ? place + 1 : nil }
        return bytes[place + 1] == Self.lineFeed ? place + 2 : place + 1
    }

    /// The record has no end: its first line is given up, and what follows is read anew. Nil where its end may still come.
    private mutating func abandoned(_ flaw: String?) -> Record? {
        guard isLast || bytes.count - position > Self.maximumRecordBytes else { return nil }
        var end = position
        while end < bytes.count, bytes[end] != Self.lineFeed, bytes[end] != Self.carriageReturn { end += 1 }
        let record = Record(fields: [], line: line, flaw: flaw ?? "is longer than \(Self.maximumRecordBytes) bytes")
        position = lineEnd(at: end) ?? bytes.count
        line += 1
        return record
    }
}
