import Glibc

/// Keeps a port for this process against all others that draw theirs by ``FreePorts``: a port is assigned seconds before it is listened on.
///
/// A claim is a socket bound to a name of the kernel's (see `unix(7)`, abstract), so it cannot be left behind.
enum PortClaim {
    private static let prefix = "\0wharf-port-"

    /// Claims the port until this process ends; false when it is claimed already.
    static func make(_ port: Int) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array("\(prefix)\(port)".utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) == 0 }
        }
        if !isBound { close(descriptor) }
        return isBound
    }
}
