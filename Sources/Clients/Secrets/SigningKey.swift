import COpenSSL

/// An RSA key to sign with, and its certificate, for stand-ins of a vendor that signs with RSA.
///
/// Unchecked because of the pointer: OpenSSL only reads the key once it is made, which any number of threads may do at once.
public final class SigningKey: @unchecked Sendable {
    static let bits: UInt32 = 2_048
    /// How long before now a certificate becomes valid, in seconds.
    static let slack = 3_600

    private let key: OpaquePointer

    /// A new random key.
    public init() throws(SecretsError) {
        guard let key = openssl_new_rsa_key(Self.bits) else { throw SecretsError(code: .keyNotMade, message: "OpenSSL did not generate an RSA key") }
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// The signature of the message with SHA-256 (RFC 8017, PKCS #1 v1.5).
    public func sign(_ message: [UInt8]) throws(SecretsError) -> [UInt8] {
        let signature = [UInt8](unsafeUninitializedCapacity: Int(Self.bits / 8)) { signature, count in
            let context = EVP_MD_CTX_new()
            defer { EVP_MD_CTX_free(context) }
            var length = signature.count
            let isSigned =
                EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1
                && EVP_DigestSign(context, signature.baseAddress, &length, message, message.count) == 1
            count = isSigned ? length : 0
        }
        guard !signature.isEmpty else { throw SecretsError(code: .keyNotMade, message: "OpenSSL did not make a signature") }
        return signature
    }

    /// A self-signed certificate of the key, as a PEM file.
    /// - Parameters:
    ///   - name: The common name of its holder.
    ///   - life: How long it is valid from now, in seconds.
    public func certificate(name: String, life: Int = 86_400 * 365) throws(SecretsError) -> [UInt8] {
        guard let certificate = X509_new(), let target = BIO_new(BIO_s_mem()) else { throw SecretsError(code: .keyNotMade, message: "OpenSSL did not make a certificate") }
        defer {
            BIO_free(target)
            X509_free(certificate)
        }
        let holder = X509_get_subject_name(certificate)
        let text = Array(name.utf8)
        X509_gmtime_adj(X509_getm_notBefore(certificate), -Self.slack)
        X509_gmtime_adj(X509_getm_notAfter(certificate), life)
        guard X509_set_version(certificate, 2) == 1, ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1,
            X509_set_pubkey(certificate, key) == 1, X509_NAME_add_entry_by_txt(holder, "CN", MBSTRING_UTF8, text, Int32(clamping: text.count), -1, 0) == 1,
            X509_set_issuer_name(certificate, holder) == 1, X509_sign(certificate, key, EVP_sha256()) > 0, PEM_write_bio_X509(target, certificate) == 1
        else { throw SecretsError(code: .keyNotMade, message: "OpenSSL did not make a certificate") }
        let length = BIO_ctrl_pending(target)
        return [UInt8](unsafeUninitializedCapacity: length) { pem, count in
            count = Int(max(0, BIO_read(target, pem.baseAddress, Int32(clamping: length))))
        }
    }
}
