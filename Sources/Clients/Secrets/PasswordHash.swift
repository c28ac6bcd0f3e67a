/// Passwords at rest: scrypt (RFC 7914) with a random salt, written as `$scrypt$ln=17,r=8,p=1$salt$hash`.
///
/// One hash takes some 400 ms of one core and 128 MiB: that is what makes guessing expensive. It also means that a caller must
/// limit how many it runs at once, and that no hash belongs on a path that is open to unauthenticated callers without a limit.
/// The call blocks its thread for that time.
public enum PasswordHash {
    /// Passwords longer than this many bytes of UTF-8 are refused unhashed.
    public static let maximumPasswordBytes = 4096

    /// The most memory that one verification may take, whatever the stored hash asks for: that of ``Parameters/standard``, and 1 MiB.
    static let maximumMemoryBytes: UInt64 = 129 << 20
    static let maximumParallelism: UInt64 = 4
    static let saltBytes = 16
    static let hashBytes = 32

    /// Throws ``SecretsError`` when the password is too long, or randomness or memory is unavailable.
    public static func hash(_ password: String, _ parameters: Parameters = .standard) throws(SecretsError) -> String {
        let password = OpaqueString.prepare(password)
        guard password.count <= maximumPasswordBytes else {
            throw SecretsError(code: .passwordTooLong, message: "A password may have at most \(maximumPasswordBytes) bytes")
        }
        let salt = try SecureRandom.bytes(saltBytes)
        guard let hash = parameters.derive(password, salt: salt, count: hashBytes) else {
            throw SecretsError(code: .derivationFailed, message: "OpenSSL could not derive a password hash; is memory short?")
        }
        return Encoded(parameters: parameters, salt: salt, hash: hash).text
    }

    /// Whether `password` is the one that was hashed. False, too, for text that is not such a hash or asks for more work than
    /// the bounds above allow.
    ///
    /// Hashes of an earlier version are of the password as it was typed, so that is tried as well where it differs from the prepared one.
    public static func verify(_ password: String, against encoded: String) -> Bool {
        guard let expected = Encoded(encoded) else { return false }
        let prepared = OpaqueString.prepare(password)
        let typed = Array(password.utf8)
        return matches(prepared, expected) || (typed != prepared && matches(typed, expected))
    }

    /// Whether a hash took less work than `parameters` would: then it should be replaced once the password is known to be right.
    public static func isOutdated(_ encoded: String, by parameters: Parameters = .standard) -> Bool {
        Encoded(encoded).map { $0.parameters.work < parameters.work } ?? false
    }

    /// A hash that took no work to make and that no password matches: verifying against it takes as long as against a real one.
    public static func placeholder(_ parameters: Parameters = .standard) throws(SecretsError) -> String {
        Encoded(parameters: parameters, salt: try SecureRandom.bytes(saltBytes), hash: try SecureRandom.bytes(hashBytes)).text
    }

    private static func matches(_ password: [UInt8], _ expected: Encoded) -> Bool {
        guard
            password.count <= maximumPasswordBytes,
            let actual = expected.parameters.derive(password, salt: expected.salt, count: expected.hash.count)
        else { return false }
        return constantTimeEquals(actual, expected.hash)
    }
}
