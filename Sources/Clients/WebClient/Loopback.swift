import Glibc

/// Hosts that are this machine whatever a name server says. What is sent there leaves no network card.
public enum Loopback {
    /// `localhost`, 127.0.0.0/8 in dotted form, and `::1`, bracketed or not. Other spellings of the same addresses are not recognised.
    public static func contains(_ host: some StringProtocol) -> Bool {
        var host = host.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" { return true }
        var version4 = in_addr()
        if inet_pton(AF_INET, host, &version4) == 1 { return UInt32(bigEndian: version4.s_addr) >> 24 == 127 }
        var version6 = in6_addr()
        guard inet_pton(AF_INET6, host, &version6) == 1 else { return false }
        return withUnsafeBytes(of: version6) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }
}
