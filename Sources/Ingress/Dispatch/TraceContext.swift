import FoundationEssentials
import Messaging
import Runtime
import Secrets

/// A position in a distributed trace (W3C Trace Context). The ingress is one step of it, with a span id of its own.
struct TraceContext: Equatable {
    let traceID: String
    let spanID: String
    /// Two hexadecimal digits; the lowest bit says whether the caller records the trace.
    let flags: String

    private static let sampled = "01"
    private static let traceIDDigits = 32
    private static let spanIDDigits = 16

    /// Continues the trace of `header`, or begins one when there is none or it is malformed.
    init(continuing header: String?, randomness: any Randomness) {
        let incoming = header.flatMap(Self.parse)
        traceID = incoming?.traceID ?? Self.digits(Self.traceIDDigits, randomness)
        spanID = Self.digits(Self.spanIDDigits, randomness)
        flags = incoming?.flags ?? Self.sampled
    }

    var header: String { "00-\(traceID)-\(spanID)-\(flags)" }

    private static func parse(_ header: String) -> (traceID: String, flags: String)? {
        var parts = header.split(separator: "-", omittingEmptySubsequences: false)[...]
        guard let version = parts.popFirst(), let traceID = parts.popFirst(), let parentID = parts.popFirst(), let flags = parts.popFirst(),
            isHex(version, 2), isHex(traceID, traceIDDigits), isHex(parentID, spanIDDigits), isHex(flags, 2),
            // A later version may have more fields.
            version != "ff", version != "00" || parts.isEmpty,
            traceID.contains(where: { $0 != "0" }), parentID.contains(where: { $0 != "0" })
        else { return nil }
        return (String(traceID), String(flags))
    }

    private static func isHex(_ text: Substring, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Never all zeros: a version 4 UUID has a bit that is always set among its first eight bytes.
    private static func digits(_ count: Int, _ randomness: any Randomness) -> String {
        let digits = randomness.uuid().lowerCaseText.utf8.lazy.filter { $0 != UInt8(ascii: "-") }
        return String(decoding: digits.prefix(count), as: UTF8.self)
    }
}
