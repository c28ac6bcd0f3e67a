/// An IP address in any notation: IPv6 in any of its spellings, and IPv4 also inside IPv6 (`::ffff:192.0.2.1`).
public struct NetworkAddress: Sendable, Hashable {
    /// Where an IPv4 address begins inside an IPv6 one.
    static let bitsBeforeIPv4 = UInt128.bitWidth - UInt32.bitWidth
    /// The length of the longest spelling of an address.
    private static let maximumLength = 45
    private static let startOfIPv4: UInt128 = 0xFFFF << 32

    /// The address as a number. IPv4 addresses begin with `::ffff`.
    let bits: UInt128

    /// Nil for text that is not an address, including one with a port, brackets or a zone.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        guard text.utf8.contains(UInt8(ascii: ":")) else {
            guard let low = Self.ipv4(text.utf8) else { return nil }
            bits = Self.startOfIPv4 | UInt128(low)
            return
        }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard let head = halves.first, halves.count <= 2 else { return nil }
        let groups: [UInt16]
        if halves.count == 1 {
            guard let all = Self.ipv6(head, mayEndInIPv4: true), all.count == 8 else { return nil }
            groups = all
        } else {
            guard let tail = halves.last, let before = Self.ipv6(head, mayEndInIPv4: false), let after = Self.ipv6(tail, mayEndInIPv4: true),
                before.count + after.count < 8
            else { return nil }
            groups = before + Array(repeating: 0, count: 8 - before.count - after.count) + after
        }
        bits = groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    public var isIPv4: Bool { bits >> 32 == Self.startOfIPv4 >> 32 }

    /// The canonical spelling of the address: that of RFC 5952.
    public var text: String {
        if isIPv4 { return "\(byte(24)).\(byte(16)).\(byte(8)).\(byte(0))" }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
        let hex = groups.map { String($0, radix: 16) }
        guard let zeros = Self.longestZeros(in: groups) else { return hex.joined(separator: ":") }
        return hex[..<zeros.lowerBound].joined(separator: ":") + "::" + hex[zeros.upperBound...].joined(separator: ":")
    }

    private func byte(_ shift: Int) -> UInt8 { UInt8(truncatingIfNeeded: bits >> shift) }

    /// The first of the longest runs of two or more zeros.
    private static func longestZeros(in groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start: Int?
        for (index, group) in (groups + [1]).enumerated() {
            if group == 0 {
                start = start ?? index
            } else if let first = start {
                if index - first >= 2, index - first > longest?.count ?? 0 { longest = first..<index }
                start = nil
            }
        }
        return longest
    }

    private static func ipv4(_ text: some Sequence<UInt8>) -> UInt32? {
        var bytes: [UInt32] = []
        var open: UInt32?
        for character in text {
            if character == UInt8(ascii: ".") {
                guard let byte = open else { return nil }
                bytes.append(byte)
                open = nil
            } else {
                // "01" is octal to some readers and decimal to others.
                guard (0x30...0x39).contains(character), open != 0 else { return nil }
                let byte = (open ?? 0) * 10 + UInt32(character - 0x30)
                guard byte <= 0xFF else { return nil }
                open = byte
            }
        }
        guard bytes.count == 3, let last = open else { return nil }
        return bytes.reduce(0) { $0 << 8 | $1 } << 8 | last
    }

    private static func ipv6(_ text: some StringProtocol, mayEndInIPv4: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, part.contains(".") {
                guard let low = ipv4(part.utf8) else { return nil }
                groups += [UInt16(low >> 16), UInt16(truncatingIfNeeded: low)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHex), let group = UInt16(part, radix: 16) else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}

/// A network such as `10.0.0.0/8` or `2001:db8::/32`; an address alone is a network of one.
public struct Network: Sendable, Hashable {
    let address: NetworkAddress
    /// The leading bits, of 128, that all of its addresses share.
    let prefix: Int

    /// Nil for text that is not a network, and for one whose address has bits beyond the prefix: its intended meaning is unclear.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = NetworkAddress(first) else { return nil }
        self.address = address
        if parts.count == 1 {
            prefix = UInt128.bitWidth
            return
        }
        let offset = address.isIPv4 && !first.contains(":") ? NetworkAddress.bitsBeforeIPv4 : 0
        guard let last = parts.last, (1...3).contains(last.utf8.count), last.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(last),
            length + offset <= UInt128.bitWidth
        else { return nil }
        prefix = length + offset
        guard Self.masked(address, prefix) == address.bits else { return nil }
    }

    public func contains(_ other: NetworkAddress) -> Bool {
        Self.masked(other, prefix) == address.bits
    }

    private static func masked(_ address: NetworkAddress, _ prefix: Int) -> UInt128 {
        address.bits & ~(UInt128.max >> prefix)
    }
}
