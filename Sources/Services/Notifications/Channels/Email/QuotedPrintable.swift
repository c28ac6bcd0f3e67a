/// RFC 2045, section 6.7: readable where it is ASCII, and no line longer than 76 characters.
enum QuotedPrintable {
    static let maximumLine = 76

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Line breaks of any kind become CR LF.
    static func encode(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 8)
        var rest = bytes[...]
        while true {
            let line = rest.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
            append(line, to: &output)
            rest = rest.dropFirst(line.count)
            if rest.isEmpty { break }
            output += [0x0D, 0x0A]
            rest = rest.dropFirst(rest.starts(with: [0x0D, 0x0A]) ? 2 : 1)
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// One line, with soft breaks where it is too long.
    private static func append(_ line: ArraySlice<UInt8>, to output: inout [UInt8]) {
        var length = 0
        for (index, byte) in zip(line.indices, line) {
            let isLast = index == line.endIndex - 1
            let isLiteral = isLiteral(byte, isLast: isLast)
            let count = isLiteral ? 1 : 3
            // Leaves room for the "=" of a soft break.
            if length + count > maximumLine - (isLast ? 0 : 1) {
                output += [UInt8(ascii: "="), 0x0D, 0x0A]
                length = 0
            }
            if isLiteral {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            length += count
        }
    }

    private static func isLiteral(_ byte: UInt8, isLast: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "="): false
        // White space at the end of a line may be stripped in transit.
        case UInt8(ascii: " "), UInt8(ascii: "\t"): !isLast
        default: (0x21...0x7E).contains(byte)
        }
    }
}
