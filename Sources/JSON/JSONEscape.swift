/// The escaped characters of a JSON text: `\n`, `\u00e4`, `\ud83d\ude00`.
enum JSONEscape {
    enum Fault: String, Error {
        case unknown = "this escape is unknown"
        case half = "half a character was escaped"
    }

    /// Reads what follows the backslash; `place` ends up behind it, or at the fault.
    static func read(_ bytes: [UInt8], _ place: inout Int) throws(Fault) -> Unicode.Scalar {
        if place < bytes.count, let character = short(bytes[place]) {
            place += 1
            return character
        }
        let first = try codeUnit(bytes, &place)
        if let character = Unicode.Scalar(first) { return character }
        guard UTF16.isLeadSurrogate(first), place < bytes.count, bytes[place] == UInt8(ascii: "\\") else { throw .half }
        place += 1
        let second = try codeUnit(bytes, &place)
        guard UTF16.isTrailSurrogate(second) else { throw .half }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    /// The text in `range`, whose escapes have been validated before.
    static func unescaped(_ bytes: [UInt8], _ range: Range<Int>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var place = range.lowerBound
        while place < range.upperBound {
            let byte = bytes[place]
            place += 1
            if byte != UInt8(ascii: "\\") {
                text.append(byte)
            } else if let character = try? read(bytes, &place) {
                text.append(contentsOf: UTF8.encode(character) ?? UTF8.encodedReplacementCharacter)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func short(_ byte: UInt8) -> Unicode.Scalar? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): Unicode.Scalar(byte)
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: nil
        }
    }

    /// The code unit of an escape such as `\u0041`, from its `u` on.
    private static func codeUnit(_ bytes: [UInt8], _ place: inout Int) throws(Fault) -> UInt16 {
        guard place < bytes.count, bytes[place] == UInt8(ascii: "u"), bytes.count - place > 4 else { throw .unknown }
        var unit: UInt16 = 0
        for byte in bytes[place + 1..<place + 5] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
            default: throw .unknown
            }
        }
        place += 5
        return unit
    }
}
