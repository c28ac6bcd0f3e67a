/// How the characters of an imported file are written as bytes.
enum TextEncoding: String, Sendable, Codable, CaseIterable {
    case utf8 = "utf-8"
    case utf16LittleEndian = "utf-16le"
    case utf16BigEndian = "utf-16be"
    case windows1252 = "windows-1252"

    /// What a client may declare. `utf-16` needs the byte order mark that says which one it is.
    static let accepted = ["utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1"]

    /// A byte order mark at the beginning of `bytes`, and its length.
    static func mark(of bytes: [UInt8]) -> (encoding: TextEncoding, length: Int)? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return (.utf8, 3) }
        if bytes.starts(with: [0xFF, 0xFE]) { return (.utf16LittleEndian, 2) }
        if bytes.starts(with: [0xFE, 0xFF]) { return (.utf16BigEndian, 2) }
        return nil
    }

    /// The same characters as UTF-8. What is not UTF-8 although it should be comes back as it is, for each field to be judged by itself; a lone surrogate
    /// becomes U+FFFD. At the end of `bytes` a character that is cut in two is left out.
    func utf8(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        switch self {
        case .utf8: return Array(bytes)
        case .windows1252:
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count + bytes.count / 8)
            for byte in bytes {
                if byte < 0x80 { text.append(byte) } else { text.append(contentsOf: Self.windows(byte).utf8) }
            }
            return text
        case .utf16LittleEndian, .utf16BigEndian:
            var units = Self.units(bytes, isLittleEndian: self == .utf16LittleEndian)[...]
            if let last = units.last, UTF16.isLeadSurrogate(last) { units = units.dropLast() }
            return Array(String(decoding: units, as: UTF16.self).utf8)
        }
    }

    /// How many bytes of the file `text` stands for, which `utf8(of:)` has given.
    func length(of text: ArraySlice<UInt8>) -> Int {
        switch self {
        case .utf8: text.count
        // A byte that continues a character is no beginning of one.
        case .windows1252: text.count { $0 & 0xC0 != 0x80 }
        // Four bytes of UTF-8 are two units, and each other character is one.
        case .utf16LittleEndian, .utf16BigEndian: 2 * text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : $1 >= 0xF0 ? 2 : 1) }
        }
    }

    private static func units(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) -> [UInt16] {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var rest = bytes
        while let first = rest.popFirst(), let second = rest.popFirst() {
            let (high, low) = isLittleEndian ? (second, first) : (first, second)
            units.append(UInt16(truncatingIfNeeded: high) << 8 | UInt16(truncatingIfNeeded: low))
        }
        return units
    }

    /// Bytes from 0x80 to 0x9F as WHATWG's table has them; the others are those of ISO 8859-1.
    private static let windowsTable: [Unicode.Scalar] = Array(
        "\u{20AC}\u{81}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{8D}\u{17D}\u{8F}\u{90}\u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}\u{153}\u{9D}\u{17E}\u{178}"
            .unicodeScalars)

    private static func windows(_ byte: UInt8) -> String {
        let place = Int(byte) - 0x80
        return String(Character(windowsTable.indices.contains(place) ? windowsTable[place] : Unicode.Scalar(byte)))
    }
}
