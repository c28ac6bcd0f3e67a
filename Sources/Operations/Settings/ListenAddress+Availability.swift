import Glibc

extension ListenAddress {
    /// Why this address cannot be listened on now, for display; nil when it can. Ports in TIME_WAIT count as free, as servers set SO_REUSEADDR.
    ///
    /// Looks a name up, for which the resolver may take some seconds.
    public var obstacle: String? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>? = nil
        guard unsafe getaddrinfo(host, "\(port)", &hints, &list) == 0 else { return "no host has the name \(host)" }
        defer { unsafe freeaddrinfo(list) }
        guard let first = unsafe list?.pointee else { return "no host has the name \(host)" }
        let descriptor = unsafe socket(first.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return Self.reason(errno) }
        defer { close(descriptor) }
        var yes: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        return unsafe bind(descriptor, first.ai_addr, first.ai_addrlen) == 0 ? nil : Self.reason(errno)
    }

    private static func reason(_ error: Int32) -> String {
        switch error {
        case EADDRINUSE: "another program listens there"
        case EADDRNOTAVAIL: "it is no address of this machine"
        case EACCES: "this account may not listen there"
        default: unsafe String(cString: strerror(error))
        }
    }
}
