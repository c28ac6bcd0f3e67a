/// A language tag in the form of RFC 5646, as far as shops use it: a language, then script, region and variants.
public enum LanguageTag {
    public static let length = 2...35
    public static let expectation = "must be a language tag such as de or en-GB"

    public static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        func isWord(_ part: Substring, _ length: ClosedRange<Int>, _ isAllowed: (UInt8) -> Bool) -> Bool {
            length.contains(part.utf8.count) && part.utf8.allSatisfy(isAllowed)
        }
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
        guard let language = parts.first, isWord(language, 2...3, isLetter) else { return false }
        return parts.dropFirst().allSatisfy { isWord($0, 2...8) { isLetter($0) || (0x30...0x39).contains($0) } }
    }
}
