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
