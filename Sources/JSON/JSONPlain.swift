extension Span<UInt8> {
    /// The first place from `start` on that has no plain character: a quote, a backslash, a control character or, with `onlyASCII`, a byte of another character.
    func endOfPlain(from start: Int, onlyASCII: Bool) -> Int {
        var place = start
        while count - place >= 8 {
            // Any eight bytes are an integer, and the load checks that they are in bounds.
            let word = UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
            let special = word.specialBytes | (onlyASCII ? word & 0x8080_8080_8080_8080 : 0)
            if special != 0 { return place + special.trailingZeroBitCount / 8 }
            place += 8
        }
        while place < count, !self[place].isSpecial, !onlyASCII || self[place] < 0x80 { place += 1 }
        return place
    }
}

extension UInt8 {
    /// Whether the byte must be escaped in a text.
    var isSpecial: Bool { self <= 0x5C && (self < 0x20 || self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\")) }
}

extension UInt64 {
    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// The highest bit of the lowest byte for which `isSpecial` is true; bits of higher bytes may be set, too.
    fileprivate var specialBytes: UInt64 {
        let quotes = self ^ (Self.ones &* 0x22)
        let backslashes = self ^ (Self.ones &* 0x5C)
        let found = (self &- Self.ones &* 0x20) & ~self | (quotes &- Self.ones) & ~quotes | (backslashes &- Self.ones) & ~backslashes
        return found & (Self.ones &* 0x80)
    }
}
