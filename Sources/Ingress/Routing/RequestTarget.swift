import Contracts

/// The path and the query of a request, decoded.
struct RequestTarget: Equatable {
    /// Path and query together; longer ones are 414.
    static let maximumBytes = 8_192
    /// More than any path of a document has.
    static let maximumSegments = 16

    let segments: [String]
    /// Every name is unique.
    let query: [String: String]

    init(path: String, query: String?) throws(Refusal) {
        guard path.utf8.count + (query?.utf8.count ?? 0) <= Self.maximumBytes else { throw .targetTooLong }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/"), parts.count <= Self.maximumSegments else { throw .unknownPath }
        var segments: [String] = []
        for part in parts {
            guard let segment = PercentEncoding.decode(part) else { throw .badRequest("The path is not percent-encoded UTF-8.") }
            segments.append(segment)
        }
        self.segments = segments
        self.query = try Self.parse(query ?? "")
    }

    private static func parse(_ query: String) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let (encodedName, encodedValue) = pair.halves(at: "=") ?? (pair, "")
            guard let name = PercentEncoding.decode(encodedName, plusIsSpace: true),
                let value = PercentEncoding.decode(encodedValue, plusIsSpace: true)
            else { throw .badRequest("The query is not percent-encoded UTF-8.") }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .badRequest("The query has the parameter '\(name.prefix(60))' more than once.")
            }
        }
        return values
    }
}

/// Percent-encoding (RFC 3986).
enum PercentEncoding {
    /// Nil for a `%` without two hexadecimal digits, for bytes that are not UTF-8, and for U+0000, which nothing behind the ingress accepts.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
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
