import Glibc
import Synchronization

/// TCP ports of 127.0.0.1 without a listener.
///
/// The kernel's own choice (bind to port 0) comes from the range it also gives to outgoing connections: while a server
/// is down in a restart, any client could be given its port. So ports are drawn below that range.
public enum FreePorts {
    /// Below Linux' default `ip_local_port_range`, above the well-known servers.
    static let range = 15_000..<32_000
    static let maximumAttempts = 200

    /// Which owner holds which port; a port is assigned before it is listened on.
    private static let owners = Mutex<[Int: String]>([:])

    /// A free port that was given to no other owner, in this process or in any other.
    /// - Throws: ``LocalServerError`` with code `ports` after 200 attempts.
    public static func next(for owner: String = "") throws -> Int {
        for _ in 0..<maximumAttempts {
            let port = Int.random(in: range)
            guard isFree(port) else { continue }
            let isNew = owners.withLock { owners in
                guard owners[port] == nil, PortClaim.make(port) else { return false }
                owners[port] = owner
                return true
            }
            if isNew { return port }
        }
        throw LocalServerError(.ports, "No free port in \(range) on 127.0.0.1 after \(maximumAttempts) attempts.")
    }

    /// Claims a port that the owner chose earlier; false when it is taken.
    static func claim(_ port: Int, for owner: String) -> Bool {
        guard isFree(port) else { return false }
        return owners.withLock { owners in
            if let other = owners[port] { return other == owner }
            guard PortClaim.make(port) else { return false }
            owners[port] = owner
            return true
        }
    }

    /// Whether a server could listen on the port now. Ports in TIME_WAIT count as free: servers set SO_REUSEADDR.
    public static func isFree(_ port: Int) -> Bool {
        guard let number = in_port_t(exactly: port) else { return false }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var yes: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = number.bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        return unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
