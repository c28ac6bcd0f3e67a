import Contracts
import HTTPTypes

/// Who sends a request, as far as it shows.
struct Client: Sendable {
    /// Longer names are cut: nobody reads on.
    static let maximumAgent = 300

    let address: String?
    /// `User-Agent`, without control characters.
    let agent: String?

    init(address: String?, _ headers: HTTPFields) {
        self.address = address
        let name = String((headers.values("user-agent").first ?? "").unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(Self.maximumAgent))
        agent = name.isEmpty ? nil : name
    }
}

/// Where a request comes from: the peer of its connection, or what trusted proxies say of it.
///
/// A proxy appends the address that it was called from, so the list is read from its end: the first address that is no trusted proxy's is the client's.
/// What stands before it is the client's own writing.
struct ClientAddress: Sendable {
    let trustedProxies: [Network]

    /// The address as one text, whichever way it was written; nil where the connection has none.
    func of(peer: String?, _ headers: HTTPFields) -> String? {
        guard let peer else { return nil }
        guard let address = NetworkAddress(peer.prefix { $0 != "%" }) else { return peer }
        guard isTrusted(address) else { return address.text }
        let forwarded = headers.values("forwarded").isEmpty ? nil : Forwarded.elements(headers.values("forwarded"))
        let old = headers.values("x-forwarded-for").isEmpty ? nil : Forwarded.addresses(headers.values("x-forwarded-for"))
        let claims = [forwarded, old].compactMap(\.self).map { client(from: $0, through: address) }
        // A proxy knows one of the two and lets the other pass, as a client has made it up. Where they differ, neither counts.
        guard let claim = claims.first, claims.allSatisfy({ $0 == claim }) else { return address.text }
        return claim.text
    }

    private func client(from hops: [NetworkAddress?], through peer: NetworkAddress) -> NetworkAddress {
        var client = peer
        for hop in hops.reversed() {
            // Hidden, or not an address: nothing is known beyond the proxy that wrote it.
            guard let hop else { break }
            client = hop
            if !isTrusted(hop) { break }
        }
        return client
    }

    private func isTrusted(_ address: NetworkAddress) -> Bool {
        trustedProxies.contains { $0.contains(address) }
    }
}

/// The lists of addresses that proxies write: `Forwarded` (RFC 7239) and `X-Forwarded-For`. Nil for each entry that is no address.
enum Forwarded {
    static func addresses(_ values: [String]) -> [NetworkAddress?] {
        values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { address(in: $0.trimmed) }
    }

    static func elements(_ values: [String]) -> [NetworkAddress?] {
        values.flatMap { split($0[...], at: ",") }.map { element in
            let pairs = split(element, at: ";").compactMap { $0.halves(at: "=") }.filter { $0.0.trimmed.lowercased() == "for" }
            guard pairs.count == 1, let value = pairs.first?.1.trimmed else { return nil }
            guard value.first == "\"" else { return address(in: value) }
            return value.count >= 2 && value.last == "\"" ? address(in: value.dropFirst().dropLast()) : nil
        }
    }

    /// An address, in brackets or not, with a port or without.
    private static func address(in text: Substring) -> NetworkAddress? {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || isPort(rest) else { return nil }
            return NetworkAddress(text[..<end].dropFirst())
        }
        // One colon stands before a port; an address of IPv6 has more.
        guard let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":") else { return NetworkAddress(text) }
        return isPort(text[colon...]) ? NetworkAddress(text[..<colon]) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && (2...6).contains(text.utf8.count) && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Splits where the separator stands outside of quotes.
    private static func split(_ text: Substring, at separator: Character) -> [Substring] {
        var isQuoted = false
        return text.split(omittingEmptySubsequences: false) { character in
            if character == "\"" { isQuoted.toggle() }
            return character == separator && !isQuoted
        }
    }
}
