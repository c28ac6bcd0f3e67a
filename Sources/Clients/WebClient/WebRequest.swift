/// One HTTP request, sent as it stands: redirects are not followed, cookies are not kept, no header is added but the host,
/// the length, `Accept: */*` and the client's user agent, and one of the same name replaces each of these.
public struct WebRequest: Sendable {
    /// How long a request may take by default.
    public static let defaultTimeout: Duration = .seconds(10)
    /// How many bytes of body a response may have by default: 8 MiB.
    public static let defaultMaximumResponseBytes = 8 << 20

    public var method: String
    /// Absolute, `http://` or `https://`.
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// From the call to the last byte of the response, waiting for a free connection included.
    public var timeout: Duration
    /// A response with a larger body is an error of code ``WebClientError/Code/tooLarge``.
    public var maximumResponseBytes: Int
    /// The path of a local socket to connect to instead of the URL's host.
    public var unixSocket: String?

    public init(
        method: String = "GET",
        url: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        timeout: Duration = defaultTimeout,
        maximumResponseBytes: Int = defaultMaximumResponseBytes
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
    }
}

extension WebRequest {
    /// Whether the request may be sent a second time when a kept-alive connection turns out to be dead (RFC 9110 section 9.2.2).
    var isRepeatable: Bool {
        ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(method)
    }

    /// Rejects what could smuggle a second header or request into the first.
    func validate() throws(WebClientError) {
        guard Self.isToken(method) else {
            throw WebClientError(code: .invalidRequest, message: "The method is not an HTTP token")
        }
        for (name, value) in headers {
            guard Self.isToken(name) else {
                throw WebClientError(code: .invalidRequest, message: "A header's name is not an HTTP token")
            }
            guard !value.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) else {
                throw WebClientError(code: .invalidRequest, message: "The value of header \(name) has a line break or a NUL")
            }
        }
    }

    func hasHeader(_ name: String) -> Bool {
        headers.contains { $0.name.lowercased() == name.lowercased() }
    }

    private static let punctuation = Set("!#$%&'*+-.^_`|~".utf8)

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): true
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: punctuation.contains(byte)
                }
            }
    }
}
