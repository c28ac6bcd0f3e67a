import IOThreads
import Messaging

/// One row of a file, before anybody has looked at what it says.
struct ImportRow: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        /// By what the columns mean.
        case cells([String: String])
        /// A line of NDJSON.
        case json([UInt8])
    }

    /// Where it begins in the file, counted from 1.
    let line: Int
    let content: Content
    /// For a product with variants: the rows that describe them. The first of these is often the row itself.
    var parts: [ImportRow] = []

    /// The lines of all rows of the file that it represents.
    var lines: [Int] { parts.isEmpty ? [line] : parts.map(\.line) }
    var lineCount: Int { max(1, parts.count) }
}

/// Why a row, or what one column of it says, was not taken.
struct Rejection: Sendable, Codable, Equatable {
    static let maximumValue = 200

    let line: Int
    /// As the file calls it.
    let column: String?
    /// Its beginning.
    let value: String?
    let reason: String

    init(line: Int, column: String? = nil, value: String? = nil, _ reason: String) {
        self.line = line
        self.column = column
        self.value = value.map { String(String.UnicodeScalarView($0.unicodeScalars.prefix(Self.maximumValue).map { $0 == "\u{0}" ? "\u{FFFD}" : $0 })) }
        self.reason = reason
    }
}

/// Reads a file piece by piece. What it knows of the file between two pieces is in itself, so that another process can go on where this one was.
struct ImportReader: Sendable, Codable, Equatable {
    enum Format: String, Sendable, Codable {
        case csv, ndjson
    }

    /// The file cannot be read at all.
    struct Unreadable: Error, Equatable {
        let reason: String
    }

    /// What is read at once: a record of the greatest length fits, wherever it begins, twice over.
    static let windowBytes = 2 * CSVReader.maximumRecordBytes
    /// The first line is looked at for its delimiter; a longer one is no header.
    static let maximumHeaderBytes = 65_536

    let kind: ImportKind
    let format: Format
    /// As declared, then as found.
    var encoding: TextEncoding?
    /// Bytes of the file that have been read.
    var position = 0
    var line = 1
    var layout: ImportLayout?
    /// How whole amounts are meant, once that is known.
    var amounts: AmountReader.Form?
    /// The handle of a Shopify product that has too many rows, while its rows are skipped.
    var refusedHandle: String?

    init(kind: ImportKind, format: Format, encoding: TextEncoding?) {
        self.kind = kind
        self.format = format
        self.encoding = encoding
    }

    /// The rows of `window`, which begins at `position` of the file, at most `limit` of them, and those that are none. `isLast`: the file ends with the window.
    mutating func read(_ window: [UInt8], isLast: Bool, limit: Int) throws(Unreadable) -> (rows: [ImportRow], rejections: [Rejection]) {
        var rest = window[...]
        if position == 0 {
            let mark = TextEncoding.mark(of: window)
            if let mark, encoding == nil || encoding == mark.encoding {
                encoding = mark.encoding
                rest = rest.dropFirst(mark.length)
                position = mark.length
            }
        }
        let encoding = self.encoding ?? .utf8
        self.encoding = encoding
        let text = encoding.utf8(of: rest)
        if position <= 3, text.prefix(Self.maximumHeaderBytes).contains(0) {
            throw Unreadable(reason: "the file has NUL characters: if it is UTF-16, it must begin with a byte order mark, or be declared with encoding=utf-16le")
        }
        switch format {
        case .csv: return try readCSV(text, encoding, isLast, limit)
        case .ndjson: return readLines(text, encoding, isLast, limit)
        }
    }

    // MARK: - CSV

    private mutating func readCSV(
        _ text: [UInt8], _ encoding: TextEncoding, _ isLast: Bool, _ limit: Int
    ) throws(Unreadable) -> ([ImportRow], [Rejection]) {
        var start = 0
        if layout == nil { start = try readHeader(text, isLast) }
        guard let layout else { return ([], []) }
        var reader = CSVReader(text, delimiter: layout.delimiter, from: start, line: line, isLast: isLast)
        let (rows, rejections, stop) =
            layout.origin == .shopify ? Self.products(&reader, layout, text.count, isLast, limit, &refusedHandle) : Self.rows(&reader, layout, limit)
        position += encoding.length(of: text[..<(stop?.position ?? reader.position)])
        line = stop?.line ?? reader.line
        return (rows, rejections)
    }

    /// What has been read, and where to continue if that is not the reader's position.
    private typealias Reading = (rows: [ImportRow], rejections: [Rejection], stop: (position: Int, line: Int)?)

    private static func rows(_ reader: inout CSVReader, _ layout: ImportLayout, _ limit: Int) -> Reading {
        var rows: [ImportRow] = []
        var rejections: [Rejection] = []
        while rows.count + rejections.count < limit, let record = reader.next() {
            pauseIfNeeded()
            guard !record.isBlank else { continue }
            switch cells(of: record, in: layout) {
            case .success(let cells): rows.append(ImportRow(line: record.line, content: .cells(cells)))
            case .failure(let refused): rejections.append(refused.rejection)
            }
        }
        return (rows, rejections, nil)
    }

    /// The same of Shopify's export, where a product may have several rows, of which a single product may have more than `limit`. One whose rows may go on is
    /// read with the next piece of the file; one that fills a piece is rejected as a whole, because its rows would be taken for another product's.
    private static func products(
        _ reader: inout CSVReader, _ layout: ImportLayout, _ end: Int, _ isLast: Bool, _ limit: Int, _ refusedHandle: inout String?
    ) -> Reading {
        var rows: [ImportRow] = []
        var rejections: [Rejection] = []
        var group: ShopifyProduct?
        var count = 0
        while count < limit || rows.isEmpty && group != nil {
            let start = (position: reader.position, line: reader.line)
            guard let record = reader.next() else { break }
            guard !record.isBlank else { continue }
            count += 1
            switch cells(of: record, in: layout) {
            case .success(let cells):
                if let handle = refusedHandle, cells["handle"] == handle {
                    rejections.append(tooLong(record.line))
                    continue
                }
                refusedHandle = nil
                if group?.add(record.line, cells) == true { continue }
                rows += group?.rows ?? []
                rejections += group?.rejections ?? []
                group = ShopifyProduct(record.line, cells, from: start)
            case .failure(let refused):
                if group == nil { rejections.append(refused.rejection) } else { group?.rejections.append(refused.rejection) }
            }
        }
        guard let group else { return (rows, rejections, nil) }
        let isWhole = isLast && reader.position == end
        if isWhole { return (rows + group.rows, rejections + group.rejections, nil) }
        if group.start.position > 0 { return (rows, rejections, group.start) }
        refusedHandle = group.handle
        return (rows, rejections + group.rejections + group.rows.flatMap(\.lines).map(tooLong), nil)
    }

    private static func tooLong(_ line: Int) -> Rejection {
        Rejection(line: line, column: "Handle", "the rows of this product are longer than \(windowBytes) bytes altogether: none of them was imported")
    }

    /// The end of the header line in `text`.
    private mutating func readHeader(_ text: [UInt8], _ isLast: Bool) throws(Unreadable) -> Int {
        let head = Array(text.prefix(Self.maximumHeaderBytes))
        let isWhole = isLast && head.count == text.count
        var ends: [UInt8: (position: Int, line: Int)] = [:]
        for delimiter in ImportLayout.delimiters {
            var reader = CSVReader(head, delimiter: delimiter, line: line, isLast: isWhole)
            while let record = reader.next() {
                guard !record.isBlank else { continue }
                ends[delimiter] = (reader.position, reader.line)
                break
            }
        }
        let found: ImportLayout
        do throws(ImportLayout.Flaw) {
            found = try ImportLayout(kind) { delimiter in
                var reader = CSVReader(head, delimiter: delimiter, line: 1, isLast: isWhole)
                while let record = reader.next() {
                    guard !record.isBlank else { continue }
                    return record.flaw == nil ? record.fields.map { String(decoding: $0, as: UTF8.self) } : nil
                }
                return nil
            }
        } catch {
            throw Unreadable(reason: error.reason)
        }
        layout = found
        line = ends[found.delimiter]?.line ?? line
        return ends[found.delimiter]?.position ?? 0
    }

    private struct Refused: Error {
        let rejection: Rejection
    }

    private static func cells(of record: CSVReader.Record, in layout: ImportLayout) -> Result<[String: String], Refused> {
        func refused(_ column: String? = nil, _ value: String? = nil, _ reason: String) -> Result<[String: String], Refused> {
            .failure(Refused(rejection: Rejection(line: record.line, column: column, value: value, reason)))
        }
        if let flaw = record.flaw { return refused(nil, nil, flaw) }
        if let surplus = record.fields.dropFirst(layout.columns.count).first(where: { !$0.isEmpty }) {
            return refused(nil, String(decoding: surplus, as: UTF8.self), "has \(record.fields.count) columns, and the header has \(layout.columns.count)")
        }
        var cells: [String: String] = [:]
        cells.reserveCapacity(record.fields.count)
        for (column, field) in zip(layout.columns, record.fields) {
            guard let meaning = column.meaning else { continue }
            let field = field.trimmed
            guard let text = String(validating: field, as: UTF8.self) else {
                return refused(column.name, String(decoding: field, as: UTF8.self), "is not UTF-8: declare the file's encoding, such as encoding=windows-1252")
            }
            cells[meaning] = field.isASCIIAtItsEnds ? text : text.trimmed
        }
        return .success(cells)
    }

    // MARK: - NDJSON

    private mutating func readLines(_ text: [UInt8], _ encoding: TextEncoding, _ isLast: Bool, _ limit: Int) -> ([ImportRow], [Rejection]) {
        var rows: [ImportRow] = []
        var rejections: [Rejection] = []
        var start = 0
        while start < text.count, rows.count + rejections.count < limit {
            let end = text[start...].firstIndex(of: UInt8(ascii: "\n"))
            guard end != nil || isLast || text.count - start > CSVReader.maximumRecordBytes else { break }
            let stop = end ?? (isLast ? text.count : start + CSVReader.maximumRecordBytes)
            let content = text[start..<stop]
            if content.count > CSVReader.maximumRecordBytes || end == nil && !isLast {
                rejections.append(Rejection(line: line, "is longer than \(CSVReader.maximumRecordBytes) bytes"))
            } else if content.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\t") }) {
                rows.append(ImportRow(line: line, content: .json(Array(content))))
            }
            start = min(text.count, stop + (end == nil ? 0 : 1))
            if end != nil { line += 1 }
        }
        position += encoding.length(of: text[..<start])
        return (rows, rejections)
    }
}

extension ArraySlice<UInt8> {
    /// The text without ASCII white space at both ends.
    fileprivate var trimmed: ArraySlice<UInt8> {
        var rest = self
        while let first = rest.first, Self.isSpace(first) { rest = rest.dropFirst() }
        while let last = rest.last, Self.isSpace(last) { rest = rest.dropLast() }
        return rest
    }

    fileprivate var isASCIIAtItsEnds: Bool { first ?? 0 < 0x80 && last ?? 0 < 0x80 }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte) }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        guard first?.isWhitespace == true || last?.isWhitespace == true else { return self }
        var view = self[...]
        while view.first?.isWhitespace == true { view = view.dropFirst() }
        while view.last?.isWhitespace == true { view = view.dropLast() }
        return String(view)
    }
}
