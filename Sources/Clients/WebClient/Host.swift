import Glibc

/// The host part of a URL or a setting.
public enum Host {
    /// The longest name that the DNS has (RFC 1035).
    private static let maximumLength = 253
    private static let maximumLabelLength = 63

    /// Whether it is this machine, whatever a name server says: `localhost`, 127.0.0.0/8 in dotted form, and `::1`, bracketed or not. What is sent
    /// there leaves no network card. Other spellings of the same addresses are not recognised.
    public static func isLoopback(_ host: some StringProtocol) -> Bool {
        let host = normalized(host)
        if host == "localhost" { return true }
        if let address = version4(host) { return address >> 24 == 127 }
        guard let address = version6(host) else { return false }
        return address.last == 1 && address.dropLast().allSatisfy { $0 == 0 }
    }

    /// Whether it is an IPv4 address in dotted form, an IPv6 address without brackets, or a name as the DNS and container engines have it.
    public static func isValid(_ host: some StringProtocol) -> Bool {
        if host.contains(":") { return version6(String(host)) != nil }
        let labels = (host.hasSuffix(".") ? String(host.dropLast()) : String(host)).split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= maximumLength, labels.allSatisfy(isLabel) else { return false }
        // What ends in a number is an address (WHATWG URL), or a mistake.
        let isNumeric = labels.last?.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? true
        return !isNumeric || version4(String(host)) != nil
    }

    /// In lower case, an IPv6 address without its brackets: as hosts are compared.
    public static func normalized(_ host: some StringProtocol) -> String {
        let host = host.lowercased()
        return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...maximumLabelLength).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                default: false
                }
            }
    }

    /// In the machine's byte order.
    private static func version4(_ text: String) -> UInt32? {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
    }

    private static func version6(_ text: String) -> [UInt8]? {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1 ? withUnsafeBytes(of: address) { Array($0) } : nil
    }
}
