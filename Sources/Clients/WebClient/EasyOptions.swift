import CCurl

/// Sets the options of one libcurl handle and keeps the first failure.
struct EasyOptions {
    private let handle: UnsafeMutableRawPointer
    private(set) var failure = CURLE_OK

    init(_ handle: UnsafeMutableRawPointer) {
        self.handle = handle
    }

    mutating func set(_ option: CURLoption, _ value: Int) {
        note(wharf_curl_set_long(handle, option, value))
    }

    mutating func set(_ option: CURLoption, _ value: String) {
        note(wharf_curl_set_string(handle, option, value))
    }

    mutating func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) {
        note(wharf_curl_set_pointer(handle, option, pointer))
    }

    mutating func set(_ option: CURLoption, size: Int) {
        note(wharf_curl_set_offset(handle, option, curl_off_t(size)))
    }

    mutating func set(
        _ option: CURLoption, _ function: wharf_curl_data?, context: UnsafeMutableRawPointer, _ contextOption: CURLoption
    ) {
        note(wharf_curl_set_data(handle, option, function))
        set(contextOption, pointer: context)
    }

    mutating func setBeforeSending(_ function: curl_prereq_callback?, context: UnsafeMutableRawPointer) {
        note(wharf_curl_set_prerequest(handle, function))
        set(CURLOPT_PREREQDATA, pointer: context)
    }

    /// Copies the body; its size must be set first.
    mutating func setBody(_ body: [UInt8]) {
        set(CURLOPT_POST, 1)
        set(CURLOPT_POSTFIELDSIZE_LARGE, size: body.count)
        note(
            body.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return wharf_curl_set_string(handle, CURLOPT_COPYPOSTFIELDS, "") }
                return wharf_curl_set_string(handle, CURLOPT_COPYPOSTFIELDS, start.assumingMemoryBound(to: CChar.self))
            })
    }

    /// Returns the list, which the caller frees after the handle; nil when there are no items or no memory.
    mutating func set(_ option: CURLoption, list items: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for item in items {
            guard let longer = curl_slist_append(list, item) else {
                note(CURLE_OUT_OF_MEMORY)
                break
            }
            list = longer
        }
        note(wharf_curl_set_list(handle, option, list))
        return list
    }

    private mutating func note(_ result: CURLcode) {
        if failure == CURLE_OK { failure = result }
    }
}

extension EasyOptions {
    /// Kept-alive connections that were idle for longer are not used again, because the other side may be closing them.
    static let maximumIdleSeconds = 60

    mutating func setCommon(_ settings: TransferEngine.Settings, remaining: Duration) {
        set(CURLOPT_NOSIGNAL, 1)
        // A name server that does not answer must not hold up the thread when the transfer ends before the lookup does.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_MAXAGE_CONN, Self.maximumIdleSeconds)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, wharf_curl_tls_1_2)
        set(CURLOPT_TIMEOUT_MS, remaining.wholeMilliseconds)
        if let file = settings.certificateAuthorityFile { set(CURLOPT_CAINFO, file) }
    }

    /// Returns what the caller must free after the handle.
    mutating func setHTTP(
        _ request: WebRequest, to destination: Destination, _ settings: TransferEngine.Settings, remaining: Duration
    ) -> [UnsafeMutablePointer<curl_slist>] {
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        // A proxy can read what is sent by HTTP, keys and passwords included, and this machine needs none. An empty name overrides the environment.
        let mayUseProxy = settings.usesEnvironmentProxy && destination.isEncrypted && !destination.isLoopback
        if !mayUseProxy { set(CURLOPT_PROXY, "") }
        set(CURLOPT_URL, request.url)
        if let socket = request.unixSocket { set(CURLOPT_UNIX_SOCKET_PATH, socket) }
        set(CURLOPT_USERAGENT, settings.userAgent)
        set(CURLOPT_CONNECTTIMEOUT_MS, min(settings.connectTimeout, remaining).wholeMilliseconds)
        // One request at a time on a connection: when it breaks, one payment is in doubt and not a hundred.
        set(CURLOPT_HTTP_VERSION, wharf_curl_http_1_1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        switch request.method {
        case "GET" where request.body.isEmpty: set(CURLOPT_HTTPGET, 1)
        case "HEAD": set(CURLOPT_NOBODY, 1)
        default:
            setBody(request.body)
            set(CURLOPT_CUSTOMREQUEST, request.method)
        }
        var lines = request.headers.map { name, value in
            // libcurl takes "Name:" for "leave this header out", and "Name;" for a header without a value.
            value.isEmpty ? "\(name);" : "\(name): \(value)"
        }
        // libcurl would declare every body a form, and would wait a second for permission to send a large one.
        for unwanted in ["Content-Type", "Expect"] where !request.hasHeader(unwanted) { lines.append("\(unwanted):") }
        return [set(CURLOPT_HTTPHEADER, list: lines)].compactMap(\.self)
    }

    /// Returns what the caller must free after the handle.
    mutating func setMail(
        _ envelope: MailEnvelope, to destination: Destination, _ settings: TransferEngine.Settings, remaining: Duration
    ) -> [UnsafeMutablePointer<curl_slist>] {
        set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        set(CURLOPT_URL, envelope.url)
        // Mail servers are the shop's own, or its provider's: none of them is behind an HTTP proxy.
        set(CURLOPT_PROXY, "")
        let mayBePlain = settings.allowsPlainText(destination.host)
        set(CURLOPT_USE_SSL, mayBePlain ? wharf_curl_starttls_if_offered : wharf_curl_starttls_required)
        // Many servers delay their greeting on purpose, so connecting may take all the time there is.
        set(CURLOPT_CONNECTTIMEOUT_MS, remaining.wholeMilliseconds)
        set(CURLOPT_SERVER_RESPONSE_TIMEOUT, remaining.wholeMilliseconds / 1000 + 1)
        set(CURLOPT_MAIL_FROM, "<\(envelope.from)>")
        set(CURLOPT_UPLOAD, 1)
        set(CURLOPT_INFILESIZE_LARGE, size: envelope.message.count)
        return [set(CURLOPT_MAIL_RCPT, list: envelope.recipients.map { "<\($0)>" })].compactMap(\.self)
    }
}

extension Duration {
    /// Rounded up, at least 1, because libcurl takes 0 for "no limit"; at most a day.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = min(self, .seconds(86_400)).components
        return max(1, Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
