/// Base64 with the standard alphabet (RFC 4648 section 4), as `Authorization: Basic` requires it.
public enum Base64 {
    /// Padded with `=` unless specified otherwise.
    public static func encode(_ bytes: [UInt8], padded: Bool = true) -> String {
        Base64Alphabet.standard.encode(bytes, padded: padded)
    }

    /// The bytes that `text` stands for, padded or not; nil when it is not base64. Each byte string has one spelling:
    /// stray bits at the end are refused.
    public static func decode(_ text: String) -> [UInt8]? {
        Base64Alphabet.standard.decode(text)
    }
}

/// Base64 with `-` and `_` and no padding (RFC 4648 section 5): for tokens in URLs, headers and cookies.
public enum Base64URL {
    public static func encode(_ bytes: [UInt8]) -> String {
        Base64Alphabet.url.encode(bytes, padded: false)
    }

    /// The bytes that `text` stands for, padded or not; nil when it is not base64url. Each byte string has one spelling:
    /// stray bits at the end are refused.
    public static func decode(_ text: String) -> [UInt8]? {
        Base64Alphabet.url.decode(text)
    }
}

/// Sixty-four characters and what they stand for.
struct Base64Alphabet: Sendable {
    static let standard = Base64Alphabet(lastTwo: "+/")
    static let url = Base64Alphabet(lastTwo: "-_")

    private static let padding = UInt8(ascii: "=")
    private static let unknown: UInt8 = 255

    private let characters: [UInt8]
    private let values: [UInt8]

    private init(lastTwo: String) {
        characters = Array(("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + lastTwo).utf8)
        var values = [UInt8](repeating: Self.unknown, count: 256)
        for (value, character) in characters.enumerated() {
            values[Int(character)] = UInt8(value)
        }
        self.values = values
    }

    func encode(_ bytes: [UInt8], padded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for offset in 0..<3 {
                bits = bits << 8 | (offset < group.count ? UInt32(group[start + offset]) : 0)
            }
            for position in 0...group.count {
                text.append(characters[Int(bits >> UInt32(18 - 6 * position) & 63)])
            }
        }
        while padded, !text.count.isMultiple(of: 4) {
            text.append(Self.padding)
        }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: String) -> [UInt8]? {
        var encoded = Array(text.utf8)[...]
        if encoded.count.isMultiple(of: 4) {
            for _ in 0..<2 where encoded.last == Self.padding { encoded.removeLast() }
        }
        guard encoded.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count * 3 / 4)
        var bits: UInt32 = 0
        var bitCount = 0
        for character in encoded {
            let value = values[Int(character)]
            guard value != Self.unknown else { return nil }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
                bits &= (1 << UInt32(bitCount)) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }
}
