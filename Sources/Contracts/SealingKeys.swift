/// `users.keys.get`: the key with which messages that hold credentials are sealed on their way to users.
public struct GetSealingKey: Sendable, Codable {
    public init() {}
}

/// Travels in a reply alone, which no broker writes to its disk.
public struct GivenSealingKey: Sendable, Codable {
    /// Hexadecimal, 256 bits.
    public let key: String
    public init(key: String) { self.key = key }
}
