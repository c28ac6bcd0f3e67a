import Contracts
import HTTPTypes

/// The sender of a request, as far as it can be seen.
package struct Client: Sendable {
    /// Longer names are truncated: the rest is of no use.
    static let maximumAgent = 300

    package let address: String?
    /// `User-Agent`, without control characters.
    package let agent: String?

    package init(address: String?, _ headers: HTTPFields) {
        self.address = address
        let name = String((headers.values("user-agent").first ?? "").unicodeScalars.filter { !$0.isControl }.prefix(Self.maximumAgent))
        agent = name.isEmpty ? nil : name
    }
}

/// Where a request comes from: the peer of its connection, or the address that trusted proxies report.
///
/// A proxy appends the address that it was called from, so the list is read from its end: the first address that is not a trusted proxy's is the client's.
/// Everything before it was written by the client.
package struct ClientAddress: Sendable {
    private let trustedProxies: [Network]

    package init(trustedProxies: [Network]) {
        self.trustedProxies = trustedProxies
    }

    /// The address in canonical form; nil where the connection has none.
    package func of(peer: String?, _ headers: HTTPFields) -> String? {
        guard let peer else { return nil }
        guard let address = Self.address(peer) else { return peer }
        guard isTrusted(address) else { return address.text }
        let forwarded = headers.values("forwarded").isEmpty ? nil : Forwarded.elements(headers.values("forwarded"))
        let old = headers.values("x-forwarded-for").isEmpty ? nil : Forwarded.addresses(headers.values("x-forwarded-for"))
        let claims = [forwarded, old].compactMap(\.self).map { client(from: $0, through: address) }
        // A proxy sets one of the two headers and passes the other on, which a client may have made up. Where they differ, neither counts.
        guard let claim = claims.first, claims.allSatisfy({ $0 == claim }) else { return address.text }
        return claim.text
    }

    /// True if a trusted proxy reports that the client's connection was encrypted, in `X-Forwarded-Proto` or as `proto` of `Forwarded`. False for a request that came
    /// from elsewhere, and if the two headers differ.
    package func isEncrypted(peer: String?, _ headers: HTTPFields) -> Bool {
        guard let address = peer.flatMap(Self.address), isTrusted(address) else { return false }
        let old = headers.values("x-forwarded-proto").flatMap { $0.split(separator: ",") }.last?.trimmed.lowercased()
        let forwarded = Forwarded.protocols(headers.values("forwarded")).last
        let claims = [old, forwarded ?? nil].compactMap(\.self)
        return !claims.isEmpty && claims.allSatisfy { $0 == "https" }
    }

    /// The peer's address without the zone that a link-local address may have.
    private static func address(_ peer: String) -> NetworkAddress? {
        NetworkAddress(peer[..<(peer.utf8.firstIndex(of: UInt8(ascii: "%")) ?? peer.endIndex)])
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

/// The lists of addresses that proxies write: `Forwarded` (RFC 7239) and `X-Forwarded-For`. Nil for each entry that is not an address.
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

    /// The `proto` of each element; nil for one without it.
    static func protocols(_ values: [String]) -> [String?] {
        values.flatMap { split($0[...], at: ",") }.map { element in
            split(element, at: ";").compactMap { $0.halves(at: "=") }.first { $0.0.trimmed.lowercased() == "proto" }?.1.trimmed.trimmingQuotes.lowercased()
        }
    }

    /// An address, with or without brackets and port.
    private static func address(in text: Substring) -> NetworkAddress? {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || isPort(rest) else { return nil }
            return NetworkAddress(text[..<end].dropFirst())
        }
        // A single colon precedes a port; an IPv6 address has more.
        guard let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":") else { return NetworkAddress(text) }
        return isPort(text[colon...]) ? NetworkAddress(text[..<colon]) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && (2...6).contains(text.utf8.count) && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Splits at separators outside quotes.
    private static func split(_ text: Substring, at separator: Character) -> [Substring] {
        var isQuoted = false
        return text.split(omittingEmptySubsequences: false) { character in
            if character == "\"" { isQuoted.toggle() }
            return character == separator && !isQuoted
        }
    }
}

extension Substring {
    fileprivate var trimmingQuotes: Substring { count >= 2 && first == "\"" && last == "\"" ? dropFirst().dropLast() : self }
}
