import CCurl

/// The destination of a URL, read by the parser that is also used to connect.
public struct Destination: Sendable, Equatable {
    /// In lower case.
    public let scheme: String
    /// In lower case; an IPv6 address stands in brackets.
    public let host: String
    let port: String
    let hasCredentials: Bool

    /// What the limit on requests per host counts by.
    var authority: String { "\(host):\(port)" }

    var isLoopback: Bool { Host.isLoopback(host) }

    /// Whether TLS comes before anything else.
    public var isEncrypted: Bool { ["https", "smtps"].contains(scheme) }

    /// Whether it is this scheme and host at the scheme's own port, whatever the path.
    public func isOrigin(scheme: String, host: String) -> Bool {
        self.scheme == scheme && self.host == host && port == (scheme == "https" ? "443" : "80")
    }

    /// Throws ``WebClientError/Code/invalidURL`` for anything but an absolute URL of one of these schemes.
    init(_ url: String, schemes: Set<String>) throws(WebClientError) {
        // A NUL would end the URL early in C; libcurl refuses the other control characters, but late.
        guard !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }), let parser = curl_url() else {
            throw WebClientError(code: .invalidURL, message: "The URL has a space or a control character")
        }
        defer { curl_url_cleanup(parser) }
        guard
            curl_url_set(parser, CURLUPART_URL, url, 0) == CURLUE_OK,
            let scheme = Self.part(CURLUPART_SCHEME, of: parser),
            let host = Self.part(CURLUPART_HOST, of: parser),
            let port = Self.part(CURLUPART_PORT, of: parser)
        else {
            throw WebClientError(code: .invalidURL, message: "The URL is not an absolute one")
        }
        guard schemes.contains(scheme.lowercased()) else {
            throw WebClientError(code: .invalidURL, message: "The URL's scheme is \(scheme); allowed are \(schemes.sorted())")
        }
        self.scheme = scheme.lowercased()
        self.host = host.lowercased()
        self.port = port
        hasCredentials = Self.part(CURLUPART_USER, of: parser) != nil
    }

    private static func part(_ part: CURLUPart, of parser: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parser, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}

extension Destination {
    /// A URL as settings have it, to which paths are appended or which is the whole of a server's address: `scheme://[user[:password]@]host[:port][/path]`.
    /// - Parameter takesCredentials: whether a user may stand in it; an API's key has a setting of its own.
    /// - Throws: ``WebClientError`` with the code `invalidURL`, which says what is wrong and quotes nothing.
    public init(setting url: String, schemes: Set<String>, takesCredentials: Bool = false) throws(WebClientError) {
        let wrong = { (reason: String) in WebClientError(code: .invalidURL, message: reason) }
        // libcurl reads one or three slashes as well.
        guard let mark = url.firstRange(of: "://") else { throw wrong("it has no ://") }
        let authority = url[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        guard !host.isEmpty, !host.hasPrefix(":") else { throw wrong("it names no host") }
        guard !host.hasSuffix(":") else { throw wrong("its port is empty") }
        guard !url.contains("?"), !url.contains("#") else { throw wrong("it has a query or a fragment") }
        guard PercentEncoding.decode(url) != nil else {
            throw wrong("it has a % without two hexadecimal digits, a control character, or what is not UTF-8")
        }
        do {
            try self.init(url, schemes: schemes)
        } catch {
            throw wrong("its host or its port cannot be read")
        }
        guard let number = Int(port), (1...65_535).contains(number) else { throw wrong("its port is not one of 1 to 65535") }
        guard Host.isValid(Host.normalized(self.host)) else { throw wrong("its host is neither a name nor an address") }
        guard takesCredentials || !hasCredentials else { throw wrong("it has a user, which belongs into a setting of its own") }
    }
}
