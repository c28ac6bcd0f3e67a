import COpenSSL

/// Whether `signature` is that of `message` by `key`, with SHA-256 and the padding or encoding that is usual for the kind of key.
func isSignature(_ signature: [UInt8], of message: [UInt8], by key: OpaquePointer) -> Bool {
    guard let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    // A malformed signature leaves an error on the thread's error queue, which a later call would report.
    defer { ERR_clear_error() }
    guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1 else { return false }
    return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
}
