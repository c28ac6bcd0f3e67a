/// RFC 2045, section 6.7: readable where it is ASCII, and no line longer than 76 characters.
enum QuotedPrintable {
    static let maximumLine = 76

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Line breaks of any kind become CR LF.
    static func encode(_ text: String) -> String {
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        var line: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") {
                if byte == UInt8(ascii: "\r"), index < bytes.count, bytes[index] == UInt8(ascii: "\n") { index += 1 }
                output += wrapped(line) + [0x0D, 0x0A]
                line = []
            } else {
                line.append(byte)
            }
        }
        output += wrapped(line)
        return String(decoding: output, as: UTF8.self)
    }

    private static func wrapped(_ line: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var length = 0
        for (index, byte) in line.enumerated() {
            let isLast = index == line.count - 1
            let encoded = isLiteral(byte, isLast: isLast) ? [byte] : [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            // Leaves room for the "=" of a soft break.
            if length + encoded.count > maximumLine - (isLast ? 0 : 1) {
                output += [UInt8(ascii: "="), 0x0D, 0x0A]
                length = 0
            }
            output += encoded
            length += encoded.count
        }
        return output
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
