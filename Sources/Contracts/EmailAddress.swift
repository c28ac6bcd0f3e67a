/// An e-mail address that could exist: ASCII, one `@`, a host with a dot. Only a message to it can show whether it does.
public struct EmailAddress: Sendable {
    /// RFC 5321 allows a path of 256 bytes, its two brackets included.
    public static let maximumLength = 254
    static let maximumLocalLength = 64
    static let maximumLabelLength = 63
    /// What an input error says about text that is not an e-mail address.
    public static let expectation = "must be an e-mail address such as name@example.com"

    /// As its owner writes it.
    public let text: String
    /// Addresses with equal keys are one account: upper and lower case are the same.
    public var key: String { Self.key(of: text) }

    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, let at = text.lastIndex(of: "@") else { return nil }
        let local = text[..<at]
        let labels = text[text.index(after: at)...].split(separator: ".", omittingEmptySubsequences: false)
        guard local.utf8.count <= Self.maximumLocalLength, labels.count > 1, labels.allSatisfy(Self.isLabel),
            local.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isAtom)
        else { return nil }
        self.text = text
    }

    public static func key(of text: String) -> String { text.lowercased() }

    private static func isAtom(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || punctuation.contains($0) }
    }

    private static func isLabel(_ text: Substring) -> Bool {
        (1...maximumLabelLength).contains(text.utf8.count) && text.first != "-" && text.last != "-"
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    /// What RFC 5322 allows in an atom besides letters and digits.
    private static let punctuation = Set("!#$%&'*+-/=?^_`{|}~".utf8)
}
