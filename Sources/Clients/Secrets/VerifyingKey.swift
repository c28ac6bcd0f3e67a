import COpenSSL

/// A public key on an elliptic curve, which verifies ECDSA signatures with SHA-256, encoded in DER (X9.62).
public struct VerifyingKey: Sendable, Equatable {
    private let encoded: [UInt8]

    /// Nil unless the key is on an elliptic curve.
    /// - Parameter base64: A SubjectPublicKeyInfo, as in a PEM file without its first and last line.
    public init?(base64: String) {
        guard let encoded = Base64.decode(base64) else { return nil }
        self.encoded = encoded
        guard withKey({ EVP_PKEY_is_a($0, "EC") == 1 }) == true else { return nil }
    }

    public func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        withKey { isSignature(signature, of: message, by: $0) } ?? false
    }

    /// Nil if it is not a key.
    private func withKey<T>(_ body: (OpaquePointer) -> T) -> T? {
        encoded.withUnsafeBufferPointer { bytes in
            var place = bytes.baseAddress
            guard let key = d2i_PUBKEY(nil, &place, bytes.count) else {
                ERR_clear_error()
                return nil
            }
            defer { EVP_PKEY_free(key) }
            return body(key)
        }
    }
}
