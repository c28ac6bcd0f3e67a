/// Percent-encoding (RFC 3986).
package enum PercentEncoding {
    /// The decoded text; nil for a `%` without two hexadecimal digits, for U+0000, and for bytes that are not UTF-8; and for other control characters, where they
    /// are not allowed.
    package static func decode(_ text: some StringProtocol, allowsControls: Bool = false) -> String? {
        decode(Array(text.utf8)[...], plusIsSpace: false, allowsControls: allowsControls)
    }

    private static func decode(_ text: ArraySlice<UInt8>, plusIsSpace: Bool, allowsControls: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard !bytes.contains(where: { $0 == 0 || !allowsControls && ($0 < 0x20 || $0 == 0x7F) }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Escapes all but ASCII letters, digits, `-`, `.` and `_`.
    package static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var escaped: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                escaped.append(byte)
            default: escaped += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// A body of `application/x-www-form-urlencoded`.
    package static func form(_ fields: [(String, String)]) -> [UInt8] {
        Array(fields.map { "\(encode($0))=\(encode($1))" }.joined(separator: "&").utf8)
    }

    /// The fields of such a body, or of a query, in their order; nil for what is not encoded as one. A field without `=` has an empty value.
    package static func fields(_ text: some Collection<UInt8>) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        for part in Array(text).split(separator: UInt8(ascii: "&")) {
            let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = decode(part.prefix(upTo: end), plusIsSpace: true, allowsControls: true),
                let value = decode(part.suffix(from: end).dropFirst(), plusIsSpace: true, allowsControls: true)
            else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
