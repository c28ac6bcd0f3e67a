/// Why there is no response.
public struct WebClientError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The URL cannot be read, or its scheme is not allowed here.
        case invalidURL
        /// The request cannot be sent as one: a header with a line break, a mail message with a bare line feed.
        case invalidRequest
        /// The host's name is unknown or nothing listens there.
        case couldNotConnect
        /// The certificate does not prove the host, or the two sides agree on no TLS.
        case tls
        /// The request's timeout has passed.
        case timedOut
        /// The connection ended before the response did.
        case connectionLost
        /// What came is not HTTP, or not SMTP.
        case badResponse
        /// The response is larger than the request allows.
        case tooLarge
        /// As many requests as allowed are running and waiting already.
        case overloaded
        /// The task that asked was cancelled.
        case cancelled
        /// The client has been shut down.
        case shutDown
        /// The mail server refused, with this reply code (RFC 5321): 4xx for now, 5xx for good; and with the enhanced status code (RFC 3463), such as
        /// `5.1.1`, where it gave one.
        case smtp(status: Int, enhanced: String? = nil)
        /// Something else; the message is libcurl's.
        case failed
    }

    public let code: Code
    /// What happened, for a log; never holds a credential, a path or a query.
    public let message: String
    /// Whether the server may have acted on the request. False only when certainly nothing was sent, or, for mail, when the
    /// server refused the message; then the request may be repeated without asking for its outcome first.
    public let requestMayHaveBeenSent: Bool
    /// Whether the same request could succeed later.
    public let isTransient: Bool

    /// `isTransient` follows from the code when it is left out.
    public init(code: Code, message: String, requestMayHaveBeenSent: Bool = false, isTransient: Bool? = nil) {
        self.code = code
        self.message = message
        self.requestMayHaveBeenSent = requestMayHaveBeenSent
        self.isTransient = isTransient ?? code.isTransient
    }

    public var description: String {
        "\(message) (\(code)\(requestMayHaveBeenSent ? ", the request may have been sent" : ""))"
    }
}

extension WebClientError.Code {
    fileprivate var isTransient: Bool {
        switch self {
        case .couldNotConnect, .timedOut, .connectionLost, .overloaded: true
        case .smtp(let status, _): (400..<500).contains(status)
        case .invalidURL, .invalidRequest, .tls, .badResponse, .tooLarge, .cancelled, .shutDown, .failed: false
        }
    }
}
