import COpenSSL
import Glibc

/// TLS over a connected, non-blocking socket, which stays its owner's. Belongs to the I/O thread.
///
/// hiredis speaks TLS from version 1.0 on, which Debian 12 does not have; so OpenSSL encrypts here, and hiredis parses what it has decrypted.
final class TLSSession {
    /// How one step went.
    enum Step {
        /// So many bytes were taken or given.
        case moved(Int)
        /// Again when the socket is readable, or writable where ``wantsToWrite`` says so.
        case waits
        case closed
    }

    private let context: OpaquePointer
    private let session: OpaquePointer
    /// Whether the last step waits for the socket to become writable.
    private(set) var wantsToWrite = false

    /// The handshake is made by the first reads and writes.
    /// - Parameter host: whom the certificate must prove: a name, or an address.
    init(_ tls: RedisAddress.TLS, host: String, socket: Int32) throws(RedisError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw Self.failure("OpenSSL gave no context") }
        self.context = context
        guard let session = Self.session(in: context, tls, host: host, socket: socket) else {
            SSL_CTX_free(context)
            throw Self.failure(tls.caFile.map { "the CA file \($0) cannot be read as PEM certificates" } ?? "the system's CA certificates cannot be read")
        }
        self.session = session
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
    }

    private static func session(in context: OpaquePointer, _ tls: RedisAddress.TLS, host: String, socket: Int32) -> OpaquePointer? {
        let isTrusting = tls.caFile.map { SSL_CTX_load_verify_file(context, $0) == 1 } ?? (SSL_CTX_set_default_verify_paths(context) == 1)
        guard isTrusting, openssl_require_1_2(context) == 1, let session = SSL_new(context) else { return nil }
        SSL_set_verify(session, SSL_VERIFY_PEER, nil)
        let isAddress = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1
        let isNamed = isAddress || (SSL_set1_host(session, host) == 1 && openssl_name(session, host) == 1)
        guard isNamed, SSL_set_fd(session, socket) == 1 else {
            SSL_free(session)
            return nil
        }
        openssl_allow_partial_writes(session)
        SSL_set_connect_state(session)
        return session
    }

    func write(_ bytes: ArraySlice<UInt8>) throws(RedisError) -> Step {
        ERR_clear_error()
        let count = bytes.withUnsafeBytes { SSL_write(session, $0.baseAddress, Int32(clamping: $0.count)) }
        return try step(count)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(RedisError) -> Step {
        ERR_clear_error()
        return try step(SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)))
    }

    private func step(_ count: Int32) throws(RedisError) -> Step {
        wantsToWrite = false
        if count > 0 { return .moved(Int(count)) }
        switch SSL_get_error(session, count) {
        case SSL_ERROR_WANT_READ: return .waits
        case SSL_ERROR_WANT_WRITE:
            wantsToWrite = true
            return .waits
        case SSL_ERROR_ZERO_RETURN: return .closed
        default:
            let verdict = SSL_get_verify_result(session)
            guard verdict == Int(X509_V_OK) else {
                throw Self.failure("its certificate is not accepted: \(String(cString: X509_verify_cert_error_string(verdict)))")
            }
            let reason = ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) }
            throw Self.failure(reason ?? "the connection ended")
        }
    }

    private static func failure(_ reason: String) -> RedisError {
        RedisError(code: .unavailable, message: "TLS: \(reason)")
    }
}
