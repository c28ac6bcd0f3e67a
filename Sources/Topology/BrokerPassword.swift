public import Secrets

/// A password as RabbitMQ stores it: base64 of a 4-byte salt and SHA-256 of salt and password.
public enum BrokerPassword {
    public static let algorithm = "rabbit_password_hashing_sha256"
    private static let saltBytes = 4

    /// Throws ``SecretsError`` when the operating system supplies no randomness.
    public static func hash(_ password: String) throws(SecretsError) -> String {
        hash(password, salt: try SecureRandom.bytes(saltBytes))
    }

    static func hash(_ password: String, salt: [UInt8]) -> String {
        Base64.encode(salt + SHA256.hash(salt + Array(password.utf8)))
    }

    /// Whether `user` has this password; false for hashes of another algorithm.
    static func matches(_ password: String, _ user: Definitions.User) -> Bool {
        guard user.hashingAlgorithm == algorithm, let known = Base64.decode(user.passwordHash),
            known.count == saltBytes + SHA256.digestBytes
        else { return false }
        let salt = Array(known.prefix(saltBytes))
        return constantTimeEquals(Array(known.dropFirst(saltBytes)), SHA256.hash(salt + Array(password.utf8)))
    }
}
