import FoundationEssentials

/// Absolute URLs of web pages: what a mail can link to.
public enum WebAddress {
    /// The longest that all browsers and mail readers accept, in characters.
    public static let maximumLength = 2_000

    public static func isValid(_ text: String) -> Bool {
        let forbidden = Set("\"<>\\^`{|}".utf8)
        guard text.utf8.count <= maximumLength, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !forbidden.contains($0) }), let url = URL(string: text),
            let scheme = url.scheme?.lowercased(), let host = url.host()
        else { return false }
        return ["http", "https"].contains(scheme) && !host.isEmpty
    }
}
