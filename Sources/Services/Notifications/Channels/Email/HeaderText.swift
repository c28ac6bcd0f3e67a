import Contracts
import Secrets

/// Text in a header: ASCII as it is, anything else as encoded words (RFC 2047). Control characters, including line breaks, become spaces.
enum HeaderText {
    /// Shorter texts fit on the header's own line, which must not be longer than 78 characters.
    static let maximumPlain = 60
    /// A word of 75 characters at most, of which 12 are not base64.
    static let maximumWordBytes = 45

    static func encode(_ text: String) -> String {
        let clean = clean(text)
        return isPlain(clean) ? clean : words(clean)
    }

    /// A display name: quoted where it is ASCII.
    static func phrase(_ text: String) -> String {
        let clean = clean(text)
        guard isPlain(clean) else { return words(clean) }
        let escaped = clean.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped))\""
    }

    private static func clean(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            scalars.append(scalar.isControl ? " " : scalar)
        }
        return String(scalars)
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= maximumPlain && text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?")
    }

    private static func words(_ text: String) -> String {
        var words: [String] = []
        var bytes: [UInt8] = []
        func endWord() {
            if !bytes.isEmpty { words.append("=?utf-8?B?\(Base64.encode(bytes))?=") }
            bytes = []
        }
        for scalar in text.unicodeScalars {
            let next = Array(String(scalar).utf8)
            if bytes.count + next.count > maximumWordBytes { endWord() }
            bytes += next
        }
        endWord()
        return words.joined(separator: "\r\n ")
    }
}
