import CCurl

/// libcurl's multi handle and the transfers in it. Belongs to the I/O thread.
final class TransferEngine {
    struct Settings: Sendable {
        var connectTimeout: Duration
        var userAgent: String
        var certificateAuthorityFile: String?
        /// How many connections are kept alive for use again.
        var keptConnections: Int
        /// Whether HTTPS to other machines goes through the proxy that the environment names.
        var usesEnvironmentProxy: Bool
        /// Whether mail may go to a host without TLS.
        var allowsPlainText: @Sendable (_ host: String) -> Bool
    }

    typealias Ended = (transfer: Transfer, outcome: Transfer.Outcome)

    private let multi: UnsafeMutableRawPointer
    private let settings: Settings
    private var active: [UnsafeMutableRawPointer: ActiveTransfer] = [:]

    init(_ multi: MultiHandle, _ settings: Settings) {
        self.multi = multi.pointer
        self.settings = settings
        wharf_curl_multi_set_long(self.multi, CURLMOPT_MAXCONNECTS, settings.keptConnections)
    }

    /// Nil when the transfer has been started; otherwise its outcome.
    func start(_ transfer: Transfer) -> Transfer.Outcome? {
        let remaining = transfer.deadline - .now
        if transfer.isSettled { return Self.failure(.cancelled, "The request was cancelled before it could start") }
        guard remaining > .zero else {
            return Self.failure(.timedOut, "\(transfer.destination.authority): the time was up before the request could start")
        }
        guard let starting = ActiveTransfer(transfer) else {
            return Self.failure(.failed, "libcurl gave no handle; memory is short")
        }
        do {
            try starting.configure(settings, remaining: remaining)
        } catch {
            return .failure(error)
        }
        guard curl_multi_add_handle(multi, starting.handle) == CURLM_OK else {
            return Self.failure(.failed, "libcurl took no more transfers; memory is short")
        }
        active[starting.handle] = starting
        return nil
    }

    /// Ends a transfer that no task waits for any more; false when it had ended.
    func drop(_ transfer: Transfer) -> Bool {
        guard let handle = active.first(where: { $0.value.transfer == transfer })?.key else { return false }
        remove(handle)
        return true
    }

    /// Moves every transfer as far as it goes without waiting; returns those that ended. Nil when libcurl has failed for good.
    func perform() -> [Ended]? {
        var running: Int32 = 0
        guard curl_multi_perform(multi, &running) == CURLM_OK else { return nil }
        var ended: [Ended] = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard
                message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
                let finished = active[handle]
            else { continue }
            ended.append((finished.transfer, finished.outcome(of: wharf_curl_message_result(message))))
            remove(handle)
        }
        return ended
    }

    /// Returns when a socket is ready, a timer of libcurl's is due, the handle is woken, or the time has passed.
    func wait(atMost time: Duration) -> Bool {
        curl_multi_poll(multi, nil, 0, Int32(clamping: time.wholeMilliseconds), nil) == CURLM_OK
    }

    /// Ends everything and frees the handle. Returns the transfers that were under way, not settled.
    func close() -> [Transfer] {
        let left = active.values.map(\.transfer)
        for handle in active.keys { remove(handle) }
        curl_multi_cleanup(multi)
        return left
    }

    private static func failure(_ code: WebClientError.Code, _ message: String) -> Transfer.Outcome {
        .failure(WebClientError(code: code, message: message))
    }

    private func remove(_ handle: UnsafeMutableRawPointer) {
        // Taking a handle out may still call it back.
        withExtendedLifetime(active[handle]) {
            curl_multi_remove_handle(multi, handle)
            active[handle] = nil
        }
    }
}

/// The pointer to a multi handle, for the two that share it.
///
/// Unchecked because of the pointer: everything is done with it on the I/O thread alone, except `wakeUp`, which libcurl
/// allows from any thread as long as the handle lives; the caller holds the lock under which the handle is released.
struct MultiHandle: @unchecked Sendable {
    private static let library: CURLcode = curl_global_init(Int(wharf_curl_global_all))

    fileprivate let pointer: UnsafeMutableRawPointer

    /// Nil when libcurl cannot be set up.
    init?() {
        guard Self.library == CURLE_OK, let pointer = curl_multi_init() else { return nil }
        self.pointer = pointer
    }

    func wakeUp() {
        curl_multi_wakeup(pointer)
    }

    /// For a handle from which no engine was made.
    func free() {
        curl_multi_cleanup(pointer)
    }
}
