import COpenSSL

/// Unpredictable random bytes from OpenSSL's generator, which the kernel seeds.
public enum SecureRandom {
    /// The number of random bytes in a ``token()``: 256 bits.
    public static let tokenBytes = 32

    /// Throws ``SecretsError/Code/noRandomness`` when the operating system gives no seed.
    public static func bytes(_ count: Int) throws(SecretsError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else {
            throw SecretsError(code: .noRandomness, message: "OpenSSL got no random bytes from the operating system")
        }
        return bytes
    }

    /// A secret of 256 random bits as 43 characters of base64url: fit for URLs, headers and cookies.
    ///
    /// Stops the process when there is no randomness: no result would be safer than that.
    public static func token() -> String {
        do {
            return Base64URL.encode(try bytes(tokenBytes))
        } catch {
            preconditionFailure(error.message)
        }
    }
}
