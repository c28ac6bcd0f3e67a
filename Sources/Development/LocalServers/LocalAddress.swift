/// The addresses of private servers.
public enum LocalAddress {
    /// Reached from this host alone.
    public static let loopback = "127.0.0.1"

    /// Where a server that clients reach at `host` listens: there, and for this host's own tools on the loopback.
    static func listening(_ host: String) -> [String] { host == loopback ? [host] : [loopback, host] }
}
