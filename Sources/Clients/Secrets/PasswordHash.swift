/// Passwords at rest: scrypt (RFC 7914) with a random salt, written as `$scrypt$ln=15,r=8,p=1$salt$hash`.
///
/// One hash takes some 80 ms of one core and 32 MiB: that is what makes guessing expensive. It also makes it work to be
/// bounded: a caller must limit how many it runs at once, and none belongs on a path that anybody may call for nothing.
/// The call blocks its thread for that time.
public enum PasswordHash {
    /// Passwords longer than this many bytes of UTF-8 are refused unhashed.
    public static let maximumPasswordBytes = 4096

    /// Work factors of new hashes: N = 2^15, r = 8, p = 1. Raising one leaves older hashes valid, because each hash carries
    /// its own.
    static let current = Parameters(logarithm: 15, blockSize: 8, parallelism: 1)

    /// The most memory that one verification may take, whatever the stored hash asks for: 64 MiB.
    static let maximumMemoryBytes: UInt64 = 64 << 20
    static let maximumParallelism: UInt64 = 4
    static let saltBytes = 16
    static let hashBytes = 32

    /// Throws ``SecretsError`` when the password is too long, or randomness or memory is wanting.
    public static func hash(_ password: String) throws(SecretsError) -> String {
        let password = Array(password.utf8)
        guard password.count <= maximumPasswordBytes else {
            throw SecretsError(code: .passwordTooLong, message: "A password may have at most \(maximumPasswordBytes) bytes")
        }
        let salt = try SecureRandom.bytes(saltBytes)
        guard let hash = current.derive(password, salt: salt, count: hashBytes) else {
            throw SecretsError(code: .derivationFailed, message: "OpenSSL could not derive a password hash; is memory short?")
        }
        return Encoded(parameters: current, salt: salt, hash: hash).text
    }

    /// Whether `password` is the one that was hashed. False, too, for text that is no such hash or asks for more work than
    /// the bounds above allow.
    public static func verify(_ password: String, against encoded: String) -> Bool {
        let password = Array(password.utf8)
        guard
            password.count <= maximumPasswordBytes,
            let expected = Encoded(encoded),
            let actual = expected.parameters.derive(password, salt: expected.salt, count: expected.hash.count)
        else { return false }
        return constantTimeEquals(actual, expected.hash)
    }
}
