/// The origin of a web page as browsers send it (RFC 6454): scheme, host, and the port where it is not the scheme's default.
public struct WebOrigin: Sendable, Hashable {
    /// As it appears in the header `Origin`: compared character by character.
    public let text: String

    /// Nil for anything not of the form `https://shop.example.com`: a path, a trailing slash, an upper-case letter or the scheme's default port would
    /// never match what a browser sends. `*` and `null` do not identify an origin.
    public init?(_ text: some StringProtocol) {
        guard let (scheme, port) = Self.schemes.first(where: { text.hasPrefix($0.scheme) }) else { return nil }
        var host = text.dropFirst(scheme.count)
        let isBracketed = host.first == "["
        let colon = isBracketed ? host.lastIndex(of: ":").flatMap { host[..<$0].last == "]" ? $0 : nil } : host.firstIndex(of: ":")
        if let colon {
            let digits = host[host.index(after: colon)...]
            guard (1...5).contains(digits.utf8.count), digits.first != "0", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), number <= 65_535, number != port
            else { return nil }
            host = host[..<colon]
        }
        guard isBracketed ? Self.isIPv6(host) : Self.isName(host) else { return nil }
        self.text = String(text)
    }

    private static let schemes = [(scheme: "https://", port: 443), (scheme: "http://", port: 80)]
    private static let maximumName = 253

    private static func isIPv6(_ host: some StringProtocol) -> Bool {
        guard host.last == "]", let address = NetworkAddress(host.dropFirst().dropLast()) else { return false }
        return !address.isIPv4 && host == "[\(address.text)]"
    }

    private static func isName(_ host: some StringProtocol) -> Bool {
        host.utf8.count <= maximumName
            && host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
            }
    }
}
