import FoundationEssentials

extension UUID {
    /// The UUID that a name has in a namespace (RFC 9562, version 5): the same two always give the same UUID, so an id can
    /// be computed again instead of being stored. Takes about a microsecond.
    public static func v5(namespace: UUID, name: [UInt8]) -> UUID {
        var message = [UInt8]()
        message.reserveCapacity(16 + name.count)
        withUnsafeBytes(of: namespace.uuid) { message.append(contentsOf: $0) }
        message.append(contentsOf: name)
        return UUID(DigestAlgorithm.sha1.hash(message), version: 5)
    }

    /// The UUID that the name's UTF-8 has in a namespace.
    public static func v5(namespace: UUID, name: String) -> UUID {
        v5(namespace: namespace, name: Array(name.utf8))
    }

    /// The UUID that a name has in a namespace at a time (RFC 9562, version 8): the milliseconds since 1970 in its first 48 bits, the name's hash in
    /// the other 74. The same three always give the same UUID, and UUIDs of one time lie side by side in an index, where random ones touch a page each.
    ///
    /// Times before 1970 count as 1970.
    public static func v8(at time: Date, namespace: UUID, name: String) -> UUID {
        v5(namespace: namespace, name: name).beginning(with: time, version: 8)
    }

    /// A version 4 UUID: 122 random bits from the kernel. Foundation's `UUID()` opens and closes a file for each, and every request takes several.
    public static func v4() -> UUID {
        var system = SystemRandomNumberGenerator()
        var random: (UInt64, UInt64) = (system.next(), system.next())
        return UUID(withUnsafeBytes(of: &random) { Array($0) }, version: 4)
    }

    /// A version 7 UUID: the milliseconds since 1970, then 74 bits of `random`, which is a version 4 UUID and as hard to guess as they are.
    ///
    /// Times before 1970 count as 1970.
    public static func v7(at time: Date, random: UUID) -> UUID {
        random.beginning(with: time, version: 7)
    }

    /// When it was made, to the millisecond, where the UUID says so (versions 7 and 8 as they are made here).
    public var time: Date? {
        guard uuid.6 >> 4 == 7 || uuid.6 >> 4 == 8 else { return nil }
        let bytes = [uuid.0, uuid.1, uuid.2, uuid.3, uuid.4, uuid.5]
        return Date(timeIntervalSince1970: Double(bytes.reduce(0) { $0 << 8 | UInt64($1) }) / 1000)
    }

    private func beginning(with time: Date, version: UInt8) -> UUID {
        let milliseconds = UInt64(min(max(0, (time.timeIntervalSince1970 * 1000).rounded()), Self.lastMillisecond))
        var value = uuid
        withUnsafeMutableBytes(of: &value) { bytes in
            for place in 0..<6 { bytes[place] = UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * UInt64(place))) }
        }
        value.6 = value.6 & 0x0F | version << 4
        return UUID(uuid: value)
    }

    private static let lastMillisecond = Double(1 << 48 - 1)

    /// A version 4 UUID from random bytes of the caller's choice, for ids that a seed must be able to repeat.
    ///
    /// Nil unless there are exactly 16 bytes; 6 bits of them give way to version and variant.
    public static func v4(randomBytes: [UInt8]) -> UUID? {
        randomBytes.count == 16 ? UUID(randomBytes, version: 4) : nil
    }

    private init(_ bytes: [UInt8], version: UInt8) {
        var value = zeroUUID
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes.prefix(16)) }
        value.6 = value.6 & 0x0F | version << 4
        value.8 = value.8 & 0x3F | 0x80
        self.init(uuid: value)
    }
}

private let zeroUUID: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
