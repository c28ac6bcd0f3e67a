import CCurl

/// Where a URL leads, read by the parser that will also be used to go there.
struct Destination: Sendable, Equatable {
    let scheme: String
    let host: String
    let port: String
    let hasCredentials: Bool

    /// What the limit on requests per host counts.
    var authority: String { "\(host):\(port)" }

    var isLoopback: Bool { Loopback.contains(host) }

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
