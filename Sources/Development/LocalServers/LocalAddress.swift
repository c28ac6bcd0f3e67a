/// The addresses of private servers.
public enum LocalAddress {
    /// Reachable from this host only.
    public static let loopback = "127.0.0.1"

    /// The addresses on which a server listens that clients reach at `host`: that one, and the loopback address for this host's own tools.
    static func listening(_ host: String) -> [String] { host == loopback ? [host] : [loopback, host] }
}
