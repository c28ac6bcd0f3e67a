import COpenSSL

/// HMAC with SHA-1 (RFC 2104), for senders that sign with nothing newer. Collisions of SHA-1 do not break HMAC; for anything of your own, use ``HMACSHA256``.
public enum HMACSHA1 {
    private static let digestBytes = 20

    /// The authentication code of `message`: 20 bytes.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: digestBytes) { code, count in
            let written = HMAC(EVP_sha1(), key, Int32(key.count), message, message.count, code.baseAddress, nil)
            precondition(written != nil, "OpenSSL ran out of memory while computing an HMAC")
            count = digestBytes
        }
    }
}
