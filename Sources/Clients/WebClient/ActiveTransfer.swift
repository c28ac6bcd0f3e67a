import CCurl

/// A transfer that libcurl is carrying out: its handle, and what has arrived so far.
///
/// Belongs to the I/O thread. libcurl holds an unretained pointer to it for its callbacks, so it must outlive the handle's
/// membership in the multi handle.
final class ActiveTransfer {
    /// The most bytes of headers that a response may have.
    static let maximumHeaderBytes = 256 << 10

    let transfer: Transfer
    let handle: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    /// libcurl reads these lists as long as the handle lives.
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private var unsent: ArraySlice<UInt8> = []
    private var arriving = ArrivingResponse()
    private var isTooLarge = false
    private var wasRefusedToSendAgain = false

    /// Nil when memory is short.
    init?(_ transfer: Transfer) {
        guard let handle = curl_easy_init() else { return nil }
        self.transfer = transfer
        self.handle = handle
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(handle)
        for list in lists { curl_slist_free_all(list) }
        errorText.deallocate()
    }

    /// Sets libcurl's options: what to send, where, and which callbacks to call.
    func configure(_ settings: TransferEngine.Settings, remaining: Duration) throws(WebClientError) {
        var options = EasyOptions(handle)
        let context = Unmanaged.passUnretained(self).toOpaque()
        options.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        options.set(CURLOPT_WRITEFUNCTION, onBody, context: context, CURLOPT_WRITEDATA)
        options.set(CURLOPT_HEADERFUNCTION, onHeader, context: context, CURLOPT_HEADERDATA)
        options.setBeforeSending(onConnected, context: context)
        options.setCommon(settings, remaining: remaining)
        switch transfer.exchange {
        case .http(let request):
            lists += options.setHTTP(request, to: transfer.destination, settings, remaining: remaining)
        case .mail(let envelope):
            unsent = envelope.message[...]
            options.set(CURLOPT_READFUNCTION, onRead, context: context, CURLOPT_READDATA)
            lists += options.setMail(envelope, to: transfer.destination, settings, remaining: remaining)
        }
        guard options.failure == CURLE_OK else {
            let reason = String(cString: curl_easy_strerror(options.failure))
            throw WebClientError(code: .failed, message: "libcurl refused an option: \(reason)")
        }
    }

    /// The transfer's outcome, once libcurl has reported its end.
    func outcome(of result: CURLcode) -> Transfer.Outcome {
        var status = 0
        wharf_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        guard result != CURLE_OK else {
            var address: UnsafeMutablePointer<CChar>?
            wharf_curl_get_text(handle, CURLINFO_LOCAL_IP, &address)
            return .success(WebResponse(status: status, headers: arriving.headers, body: arriving.body, localAddress: address.map { String(cString: $0) }))
        }
        let ending = TransferEnding(
            result: result, status: status, isTooLarge: isTooLarge, wasRefusedToSendAgain: wasRefusedToSendAgain,
            detail: String(cString: errorText), lastRefusal: arriving.lastRefusal)
        return .failure(ending.error(for: transfer))
    }

    // MARK: What libcurl calls back

    fileprivate func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard case .http(let request) = transfer.exchange else { return true }
        isTooLarge = arriving.body.count + bytes.count > request.maximumResponseBytes
        if !isTooLarge { arriving.body.append(contentsOf: bytes) }
        return !isTooLarge
    }

    fileprivate func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        arriving.receive(line: String(decoding: line, as: UTF8.self))
        isTooLarge = arriving.headerBytes > Self.maximumHeaderBytes
        return !isTooLarge
    }

    fileprivate func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let part = unsent.prefix(buffer.count)
        buffer.copyBytes(from: part)
        unsent = unsent.dropFirst(part.count)
        return part.count
    }

    fileprivate func connected() -> Bool {
        let wasSentBefore = transfer.mayHaveBeenSent
        let mayGoAhead = transfer.beginSending()
        wasRefusedToSendAgain = !mayGoAhead && wasSentBefore
        return mayGoAhead
    }
}

private func active(_ context: UnsafeMutableRawPointer?) -> ActiveTransfer? {
    context.map { Unmanaged<ActiveTransfer>.fromOpaque($0).takeUnretainedValue() }
}

// A count other than the one given ends the transfer.

private let onBody: wharf_curl_data = { bytes, size, count, context in
    let isAccepted = active(context)?.receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? false
    return isAccepted ? size * count : 0
}

private let onHeader: wharf_curl_data = { bytes, size, count, context in
    let isAccepted = active(context)?.receiveHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? false
    return isAccepted ? size * count : 0
}

private let onRead: wharf_curl_data = { bytes, size, count, context in
    active(context)?.fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? 0
}

private let onConnected: curl_prereq_callback = { context, _, _, _, _ in
    active(context)?.connected() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}
