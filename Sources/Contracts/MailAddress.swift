/// An address that mail can be sent to, with or without a name before it.
public struct MailAddress: Sendable, Hashable {
    /// RFC 5321 allows a path of 256 bytes, its two brackets included.
    static let maximumLength = 254

    public let name: String?
    /// ASCII without any character that has a meaning in a header or an SMTP command.
    public let address: String

    /// Reads `name@host`; nil for anything else.
    public init?(bare text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength, let at = bytes.lastIndex(of: UInt8(ascii: "@")), at > 0, at < bytes.count - 1,
            bytes[..<at].allSatisfy({ Self.isAtomic($0) || $0 == UInt8(ascii: ".") }),
            bytes[(at + 1)...].allSatisfy({ Self.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.init(name: nil, address: text)
    }

    /// Reads `name@host` or `A Name <name@host>`, as settings write it; nil for anything else.
    public init?(_ text: String) {
        guard let open = text.lastIndex(of: "<") else {
            self.init(bare: text)
            return
        }
        guard text.last == ">", let bare = MailAddress(bare: String(text[text.index(after: open)...].dropLast())) else { return nil }
        let name = text[..<open].split(whereSeparator: \.isWhitespace).joined(separator: " ")
        self.init(name: name.isEmpty ? nil : name, address: bare.address)
    }

    private init(name: String?, address: String) {
        self.name = name
        self.address = address
    }

    /// What follows the `@`.
    public var host: Substring {
        address.lastIndex(of: "@").map { address[address.index(after: $0)...] } ?? Substring(address)
    }

    private static func isAtomic(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || punctuation.contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static let punctuation = Set("!#$%&'*+-/=?^_`{|}~".utf8)
}
