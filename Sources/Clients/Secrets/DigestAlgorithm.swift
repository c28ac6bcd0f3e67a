import COpenSSL

/// One hash function of OpenSSL, looked up once: the lookup takes locks and costs more than hashing a short message.
///
/// Unchecked because of the pointer: a fetched `EVP_MD` never changes and may be used by any number of threads. The
/// instances are the two constants below, which live as long as the process, so nothing frees them.
struct DigestAlgorithm: @unchecked Sendable {
    static let sha256 = DigestAlgorithm("SHA256")
    static let sha1 = DigestAlgorithm("SHA1")

    private let method: OpaquePointer
    let size: Int

    private init(_ name: String) {
        guard let method = EVP_MD_fetch(nil, name, nil) else {
            preconditionFailure("OpenSSL offers no \(name); check its configuration (a FIPS-only provider has no SHA-1)")
        }
        self.method = method
        size = Int(EVP_MD_get_size(method))
    }

    func hash(_ message: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { digest, count in
            let status = EVP_Digest(message, message.count, digest.baseAddress, nil, method, nil)
            precondition(status == 1, "OpenSSL ran out of memory while hashing")
            count = size
        }
    }
}
