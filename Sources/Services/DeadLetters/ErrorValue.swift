import FoundationEssentials
import Secrets

/// The kind of a value in the text of an error, judged by its form; the raw value is its placeholder.
enum ErrorValue: String {
    case uuid = "<uuid>"
    case time = "<time>"
    case email = "<email>"
    case path = "<path>"
    case hexadecimal = "<hex>"
    case number = "<n>"
    case identifier = "<id>"

    /// Words with letters and digits of this length are identifiers, such as those of a payment gateway.
    private static let identifierLength = 16
    /// The minimum number of digits of a hexadecimal number: a shorter word may be a natural-language word.
    private static let hexadecimalLength = 8

    /// A whole token: a UUID, a time, an address, a path or a number.
    init?(whole token: ArraySlice<UInt8>) {
        if let uuid = ErrorValue(uuid: token) {
            self = uuid
        } else if Self.isTime(token) {
            self = .time
        } else if Self.isNumber(token) {
            self = .number
        } else if Self.isEmail(token) {
            self = .email
        } else if Self.isPath(token) {
            self = .path
        } else {
            return nil
        }
    }

    init?(uuid token: ArraySlice<UInt8>) {
        guard token.count == UUID.textBytes, UUID(ascii: token) != nil else { return nil }
        self = .uuid
    }

    /// One word: a hexadecimal number, or an identifier.
    init?(word: ArraySlice<UInt8>) {
        let hasDigit = word.contains(where: \.isDigit)
        guard hasDigit else { return nil }
        if word.starts(with: "0x".utf8), word.count > 2, word.dropFirst(2).allSatisfy(\.isHexadecimal) {
            self = .hexadecimal
        } else if word.allSatisfy(\.isDigit) {
            self = .number
        } else if word.count >= Self.hexadecimalLength, word.allSatisfy(\.isHexadecimal) {
            self = .hexadecimal
        } else if word.count >= Self.identifierLength {
            self = .identifier
        } else {
            return nil
        }
    }

    /// 2026-01-15, 2026-01-15T09:31:40.123Z, 09:31, 09:31:40.123+01:00.
    private static func isTime(_ token: ArraySlice<UInt8>) -> Bool {
        guard let first = token.first, first.isDigit else { return false }
        var rest = token
        if let afterDate = skip(rest, "####-##-##") {
            guard let separator = afterDate.first else { return true }
            guard separator == UInt8(ascii: "T") || separator == UInt8(ascii: "t") else { return false }
            rest = afterDate.dropFirst()
        }
        guard let afterMinutes = skip(rest, "##:##") ?? skip(rest, "#:##") else { return false }
        rest = skip(afterMinutes, ":##") ?? afterMinutes
        if let point = rest.first, point == UInt8(ascii: ".") || point == UInt8(ascii: ",") {
            let fraction = rest.dropFirst().prefix(while: \.isDigit)
            guard !fraction.isEmpty else { return false }
            rest = rest[fraction.endIndex...]
        }
        if rest.isEmpty || rest.elementsEqual("Z".utf8) || rest.elementsEqual("z".utf8) { return true }
        guard let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
        return (skip(rest.dropFirst(), "##:##") ?? skip(rest.dropFirst(), "####") ?? skip(rest.dropFirst(), "##"))?.isEmpty == true
    }

    /// The rest after a pattern in which # stands for a digit.
    private static func skip(_ text: ArraySlice<UInt8>, _ pattern: String) -> ArraySlice<UInt8>? {
        var place = text.startIndex
        for wanted in pattern.utf8 {
            guard place < text.endIndex, wanted == UInt8(ascii: "#") ? text[place].isDigit : text[place] == wanted else { return nil }
            place += 1
        }
        return text[place...]
    }

    /// 17, -3, 1,999.50, 50%, 10.0.0.5:5672.
    private static func isNumber(_ token: ArraySlice<UInt8>) -> Bool {
        let digits = token.first == UInt8(ascii: "-") || token.first == UInt8(ascii: "+") ? token.dropFirst() : token
        guard let first = digits.first, first.isDigit || first == UInt8(ascii: "."), digits.contains(where: \.isDigit) else { return false }
        return digits.allSatisfy { $0.isDigit || ".,:%".utf8.contains($0) }
    }

    private static func isEmail(_ token: ArraySlice<UInt8>) -> Bool {
        let parts = token.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { $0.first?.isWord == true && !$0.contains(UInt8(ascii: "/")) }
    }

    /// /var/lib/x, ~/x, ./x, ../x, C:\x.
    private static func isPath(_ token: ArraySlice<UInt8>) -> Bool {
        for root in ["/", "~/", "./", "../"] where token.starts(with: root.utf8) {
            return token.dropFirst(root.utf8.count).first.map { $0.isWord || $0 == UInt8(ascii: ".") } ?? false
        }
        guard let drive = token.first, drive.isWord else { return false }
        return token.dropFirst().starts(with: ":\\".utf8)
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Letters, digits, the underscore, and everything outside ASCII.
    var isWord: Bool {
        isDigit || self == UInt8(ascii: "_") || self >= 0x80 || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }

    var isHexadecimal: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
}
