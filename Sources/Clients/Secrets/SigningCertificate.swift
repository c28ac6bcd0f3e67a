import COpenSSL
import FoundationEssentials

/// An X.509 certificate with the RSA key of a signer. Its issuer is not checked: use only a certificate from a trusted source.
///
/// Unchecked because of the pointers: OpenSSL only reads what they point to once both are made, which any number of threads may do at once.
public final class SigningCertificate: @unchecked Sendable {
    /// The shortest key that is accepted, in bits.
    static let smallestKey: Int32 = 2_048
    /// The longest file that is accepted, a chain of certificates, in bytes.
    static let maximumLength = 65_536

    private let certificate: OpaquePointer
    private let key: OpaquePointer

    /// The first certificate of a PEM file; nil for anything else, and for a key that is not RSA or is too short.
    public init?(pem: [UInt8]) {
        guard pem.count <= Self.maximumLength, let source = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
        defer {
            BIO_free(source)
            // Reading something that is not a certificate leaves an error on the thread's error queue.
            ERR_clear_error()
        }
        guard let certificate = PEM_read_bio_X509(source, nil, nil, nil) else { return nil }
        guard let key = X509_get_pubkey(certificate) else {
            X509_free(certificate)
            return nil
        }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= Self.smallestKey else {
            EVP_PKEY_free(key)
            X509_free(certificate)
            return nil
        }
        self.certificate = certificate
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
        X509_free(certificate)
    }

    public func isValid(at now: Date) -> Bool {
        var time = time_t(now.timeIntervalSince1970)
        // 0 is an error; negative is before, positive after.
        return X509_cmp_time(X509_get0_notBefore(certificate), &time) < 0 && X509_cmp_time(X509_get0_notAfter(certificate), &time) > 0
    }

    /// Whether `signature` is a signature of `message` by this certificate's key, with SHA-256 (RFC 8017, PKCS #1 v1.5).
    public func hasSigned(_ message: [UInt8], _ signature: [UInt8]) -> Bool {
        isSignature(signature, of: message, by: key)
    }
}
