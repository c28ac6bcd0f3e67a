/// `users.keys.get`: the key that seals messages with credentials on their way to users.
public struct GetSealingKey: Sendable, Codable {
    public init() {}
}

/// Travels only in a reply, which no broker writes to its disk.
public struct GivenSealingKey: Sendable, Codable {
    /// Hexadecimal, 256 bits.
    public let key: String
    public init(key: String) { self.key = key }
}
