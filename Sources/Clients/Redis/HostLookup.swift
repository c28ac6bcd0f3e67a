import CHiredis
import Glibc
import IOThreads

/// Resolves a host's name. The system's resolver blocks, for as long as it likes, so it gets a thread.
enum HostLookup {
    /// The most addresses of one host that are tried.
    static let maximumAddresses = 8

    /// Calls `completion` on another thread, with numeric addresses, at least one. False when the system gives no thread.
    static func start(_ host: String, completion: @escaping @Sendable (Result<[String], RedisError>) -> Void) -> Bool {
        startThread(named: "redis-lookup") { completion(addresses(of: host)) }
    }

    private static func addresses(of host: String) -> Result<[String], RedisError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0, let list else {
            let reason = gai_strerror(status).map { String(cString: $0) } ?? "unknown host"
            return .failure(RedisError(code: .unavailable, message: "The host name \(host) has no address: \(reason)"))
        }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next, found.count < maximumAddresses {
            if let address = numeric(entry.pointee) { found.append(address) }
            next = entry.pointee.ai_next
        }
        guard !found.isEmpty else {
            return .failure(RedisError(code: .unavailable, message: "The host name \(host) has no usable address"))
        }
        return .success(found)
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            let status = getnameinfo(
                entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
            guard status == 0, let text = buffer.baseAddress else { return nil }
            return String(cString: text)
        }
    }
}
