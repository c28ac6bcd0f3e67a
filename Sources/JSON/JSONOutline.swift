/// What a value has encoded so far: its texts and numbers in their final form, and how they are nested. An object's fields arrive in the
/// order in which its type encodes them, and are sorted once all are present.
struct JSONOutline {
    /// One value, or the object or array that contains others.
    private struct Entry {
        enum Kind {
            case nothing, scalar, array, object
        }

        /// In an object.
        let name: String
        let parent: Int
        var kind = Kind.nothing
        /// Of a scalar, among `scalars`.
        var range = 0..<0
        var count = 0
        var first = 0
        var last = 0
        /// The next entry in the same object or array; 0 for the last one, since entry 0 is the whole value.
        var next = 0
    }

    private var entries = [Entry(name: "", parent: 0)]
    private var scalars: [UInt8] = []

    /// Shared by the encoders and containers of one value. Each call is one access, because the runtime checks accesses to class members for exclusivity.
    final class Holder {
        var outline = JSONOutline()
    }

    private init() {
        entries.reserveCapacity(16)
        scalars.reserveCapacity(256)
    }

    static func bytes(of value: some Encodable) throws -> [UInt8] {
        let holder = Holder()
        try JSONEntryWriter(holder: holder, place: 0).encode(value)
        let outline = holder.outline
        guard outline.entries[0].kind != .nothing else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "\(type(of: value)) did not encode any values."))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(outline.scalars.count + 16 * outline.entries.count)
        outline.write(0, to: &bytes)
        return bytes
    }

    private func write(_ place: Int, to bytes: inout [UInt8]) {
        let entry = entries[place]
        switch entry.kind {
        case .scalar: bytes.append(contentsOf: scalars[entry.range])
        case .array:
            bytes.append(UInt8(ascii: "["))
            for child in children(of: entry) {
                if child != entry.first { bytes.append(UInt8(ascii: ",")) }
                write(child, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        // A value that has encoded nothing is an object without fields.
        case .object, .nothing:
            bytes.append(UInt8(ascii: "{"))
            var fields = children(of: entry)
            fields.sort { entries[$0].name < entries[$1].name }
            for child in fields {
                if child != fields[0] { bytes.append(UInt8(ascii: ",")) }
                bytes.append(quoted: entries[child].name)
                bytes.append(UInt8(ascii: ":"))
                write(child, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private func children(of entry: Entry) -> [Int] {
        var children: [Int] = []
        children.reserveCapacity(entry.count)
        var child = entry.first
        while child != 0 {
            children.append(child)
            child = entries[child].next
        }
        return children
    }
}

// MARK: - Taking values

extension JSONOutline {
    mutating func openObject(_ place: Int) { entries[place].kind = .object }
    mutating func openArray(_ place: Int) { entries[place].kind = .array }
    func count(of place: Int) -> Int { entries[place].count }

    /// Makes a place for the next value in an object or an array.
    mutating func add(_ name: String = "", to parent: Int) -> Int {
        let place = entries.count
        entries.append(Entry(name: name, parent: parent))
        if entries[parent].count == 0 { entries[parent].first = place } else { entries[entries[parent].last].next = place }
        entries[parent].last = place
        entries[parent].count += 1
        return place
    }

    mutating func encodeNil(at place: Int) {
        scalar(at: place) { $0.append(contentsOf: "null".utf8) }
    }

    mutating func encode(_ flag: Bool, at place: Int) {
        scalar(at: place) { $0.append(contentsOf: (flag ? "true" : "false").utf8) }
    }

    mutating func encode(_ text: String, at place: Int) {
        scalar(at: place) { $0.append(quoted: text) }
    }

    mutating func encode(_ number: some FixedWidthInteger & Encodable, at place: Int) {
        scalar(at: place) { $0.append(number: number) }
    }

    /// A number that is JSON already.
    mutating func encode(literal number: String, at place: Int) {
        scalar(at: place) { $0.append(contentsOf: number.utf8) }
    }

    /// A whole number is written without a fraction.
    mutating func encode<Number: BinaryFloatingPoint & CustomStringConvertible>(real number: Number, at place: Int) throws {
        guard number.isFinite else {
            throw EncodingError.invalidValue(number, .init(codingPath: path(to: place), debugDescription: "JSON has no number \(number)."))
        }
        let text = number.description
        scalar(at: place) { $0.append(contentsOf: (text.hasSuffix(".0") ? text.dropLast(2) : text[...]).utf8) }
    }

    private mutating func scalar(at place: Int, _ write: (inout [UInt8]) -> Void) {
        let start = scalars.count
        write(&scalars)
        entries[place].kind = .scalar
        entries[place].range = start..<scalars.count
    }

    func path(to place: Int) -> [any CodingKey] {
        guard place != 0 else { return [] }
        let parent = entries[place].parent
        guard entries[parent].kind == .array else { return path(to: parent) + [JSONPathKey(stringValue: entries[place].name)] }
        let index = children(of: entries[parent]).firstIndex(of: place) ?? 0
        return path(to: parent) + [JSONPathKey(intValue: index)]
    }
}

extension [UInt8] {
    /// Appends the number in decimal.
    mutating func append(number: some FixedWidthInteger) {
        guard let small = Int(exactly: number), small >= 0, small < 1_000_000_000 else { return append(contentsOf: String(number).utf8) }
        var scale = 1
        while scale * 10 <= small { scale *= 10 }
        append(addingCapacity: 9) { output in
            var rest = small
            while scale > 0 {
                output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest / scale))
                rest %= scale
                scale /= 10
            }
        }
    }

    /// Appends the text as JSON, with slashes unescaped.
    mutating func append(quoted text: String) {
        let units = text.utf8Span.span
        if units.count > 16, units.endOfPlain(from: 0, onlyASCII: false) == units.count {
            append(UInt8(ascii: "\""))
            append(contentsOf: text.utf8)
            return append(UInt8(ascii: "\""))
        }
        var escaped = units.count + 2
        for index in units.indices where units[index].isSpecial { escaped += units[index] < 0x20 ? 5 : 1 }
        append(addingCapacity: escaped) { output in
            output.append(UInt8(ascii: "\""))
            for index in units.indices {
                let unit = units[index]
                if unit.isSpecial { output.append(escaped: unit) } else { output.append(unit) }
            }
            output.append(UInt8(ascii: "\""))
        }
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(escaped unit: UInt8) {
        append(UInt8(ascii: "\\"))
        switch unit {
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        case 0..<0x20:
            for digit in [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0"), unit < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1")] { append(digit) }
            append((unit & 15) + ((unit & 15) < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
        default: append(unit)
        }
    }
}
