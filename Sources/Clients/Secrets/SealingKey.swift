import COpenSSL

/// Encrypts and authenticates short messages with AES-256-GCM: a holder of the key can read what was sealed, and detects any change of it.
public struct SealingKey: Sendable, Equatable {
    /// 256 bits.
    public static let keyBytes = 32
    /// GCM's nonce length. Random for each message: one key is good for 2^32 of them.
    private static let nonceBytes = 12
    private static let tagBytes = 16

    public let bytes: [UInt8]

    /// Nil unless there are exactly ``keyBytes`` of them.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.keyBytes else { return nil }
        self.bytes = bytes
    }

    /// The same key for every holder of the secret, and another one for each purpose. As strong as the secret is.
    public init(derivedFrom secret: String, for purpose: String) {
        bytes = HMACSHA256.authenticate(Array(secret.utf8), key: Array(purpose.utf8))
    }

    /// Nonce, ciphertext and tag of `message`: 28 bytes more than it has.
    /// - Parameter context: what ``open(_:context:)`` must be given as well; it is not part of the result.
    /// - Throws: ``SecretsError``: `noRandomness`, or `sealingFailed` for lack of memory.
    public func seal(_ message: [UInt8], context: [UInt8]) throws(SecretsError) -> [UInt8] {
        let nonce = try SecureRandom.bytes(Self.nonceBytes)
        var tag = [UInt8](repeating: 0, count: Self.tagBytes)
        let sealed = Self.withCipher { cipher -> [UInt8]? in
            var (ciphertext, length) = ([UInt8](repeating: 0, count: message.count), Int32(0))
            guard EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, bytes, nonce) == 1,
                EVP_EncryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1,
                EVP_EncryptUpdate(cipher, &ciphertext, &length, message, Int32(message.count)) == 1,
                EVP_EncryptFinal_ex(cipher, nil, &length) == 1,
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), &tag) == 1
            else { return nil }
            return ciphertext
        }
        guard let sealed else { throw SecretsError(code: .sealingFailed, message: "OpenSSL could not encrypt a message") }
        return nonce + sealed + tag
    }

    /// The message, or nil when it was sealed with another key or context, or changed since.
    public func open(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Self.nonceBytes + Self.tagBytes else { return nil }
        let nonce = Array(sealed.prefix(Self.nonceBytes))
        var tag = Array(sealed.suffix(Self.tagBytes))
        let ciphertext = Array(sealed.dropFirst(Self.nonceBytes).dropLast(Self.tagBytes))
        return Self.withCipher { cipher in
            var (message, length) = ([UInt8](repeating: 0, count: ciphertext.count), Int32(0))
            guard EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, bytes, nonce) == 1,
                EVP_DecryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1,
                EVP_DecryptUpdate(cipher, &message, &length, ciphertext, Int32(ciphertext.count)) == 1,
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), &tag) == 1,
                EVP_DecryptFinal_ex(cipher, nil, &length) == 1
            else { return nil }
            return message
        }
    }

    private static func withCipher(_ body: (OpaquePointer) -> [UInt8]?) -> [UInt8]? {
        guard let cipher = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(cipher) }
        return body(cipher)
    }
}
