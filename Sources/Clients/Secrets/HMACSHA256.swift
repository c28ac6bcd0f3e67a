import COpenSSL

/// HMAC with SHA-256 (RFC 2104): proves that the sender of a message knows the key.
public enum HMACSHA256 {
    /// The authentication code of `message`: 32 bytes. Any key length is allowed; use 32 random bytes for keys of your own.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: SHA256.digestBytes) { code, count in
            let written = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, code.baseAddress, nil)
            precondition(written != nil, "OpenSSL ran out of memory while computing an HMAC")
            count = SHA256.digestBytes
        }
    }

    /// Whether `code` is the authentication code of `message`, compared in constant time.
    public static func isValid(_ code: [UInt8], for message: [UInt8], key: [UInt8]) -> Bool {
        constantTimeEquals(code, authenticate(message, key: key))
    }
}

/// Whether the two are equal, in a time that depends only on their lengths: for signatures, tokens and password hashes, where
/// the time of `==` would reveal to a guesser how much of the guess is right.
public func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}
