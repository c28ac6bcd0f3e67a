import CCurl

/// How libcurl ended a transfer that failed, and what that means to the caller.
struct TransferEnding {
    var result: CURLcode
    /// The last status or SMTP reply code; 0 when none came.
    var status: Int
    var isTooLarge: Bool
    var wasRefusedToSendAgain: Bool
    var detail: String
    var lastRefusal: String

    func error(for transfer: Transfer) -> WebClientError {
        let host = transfer.destination.authority
        let mayHaveBeenSent = transfer.mayHaveBeenSent
        if isTooLarge {
            return WebClientError(
                code: .tooLarge, message: "The response of \(host) is larger than allowed", requestMayHaveBeenSent: mayHaveBeenSent)
        }
        if wasRefusedToSendAgain {
            return WebClientError(
                code: .connectionLost, message: "\(host) closed the connection after the request; it was not sent again",
                requestMayHaveBeenSent: true)
        }
        if case .mail = transfer.exchange, status >= 400, result != CURLE_OPERATION_TIMEDOUT {
            return WebClientError(
                code: .smtp(status: status, enhanced: Self.enhancedStatus(lastRefusal)), message: "\(host) refused the message: \(lastRefusal)")
        }
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
        return WebClientError(
            code: code, message: "\(host): \(reason)", requestMayHaveBeenSent: mayHaveBeenSent,
            // A handshake that broke off says nothing lasting about the certificate.
            isTransient: result == CURLE_SSL_CONNECT_ERROR ? true : nil)
    }

    /// The `5.1.1` of a line such as `550 5.1.1 No such user` (RFC 2034); nil when the line has none.
    static func enhancedStatus(_ line: String) -> String? {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard let word = words.dropFirst().first else { return nil }
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) })
        else { return nil }
        return String(word)
    }

    private var code: WebClientError.Code {
        switch result {
        case CURLE_URL_MALFORMAT: .invalidURL
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: .couldNotConnect
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED,
            CURLE_SSL_INVALIDCERTSTATUS:
            .tls
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND: .connectionLost
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_UNSUPPORTED_PROTOCOL: .badResponse
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        default: .failed
        }
    }
}
