import FoundationEssentials

/// A page to which a gateway sends a customer's browser back.
public enum ReturnURL {
    public static let length = 1...2_000
    public static let expectation = "must be an address that begins with https://, or with http:// on this machine"

    /// Has no credentials and no fragment, and only visible ASCII characters, so that all parsers read it in the same way.
    public static func isValid(_ text: String) -> Bool {
        guard length.contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !forbidden.contains($0) }),
            let url = URL(string: text), let host = url.host(), !host.isEmpty, url.user() == nil, url.password() == nil, url.fragment() == nil
        else { return false }
        switch url.scheme?.lowercased() {
        case "https": return true
        case "http": return ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host.lowercased())
        default: return false
        }
    }

    private static let forbidden = Set("\"<>\\^`{|}".utf8)
}
