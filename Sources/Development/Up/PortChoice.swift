import LocalState
import Operations
import Terminal

/// Where the ingress listens.
package struct PortChoice: Sendable, Equatable {
    package static let first = 8080
    static let maximumAttempts = 100
    package static let host = "127.0.0.1"

    package let address: ListenAddress
    /// A message for the operator; nil when the choice is the expected one.
    package let remark: String?

    /// - Parameters:
    ///   - given: the setting `WHARF_HTTP_ADDRESS`, which is obeyed.
    ///   - remembered: the port of the run before, which is kept while it is free.
    ///   - isFree: whether a port of 127.0.0.1 is free.
    ///   - obstacle: why an address cannot be listened on; nil when it can.
    /// - Throws: ``UpError`` with code `settings` for an address that is wrong or cannot be used, `start` when 100 ports are taken.
    package init(
        given: String?, remembered: Int?, isFree: (Int) -> Bool, obstacle: (ListenAddress) -> String? = \.obstacle
    ) throws(UpError) {
        if let given {
            guard let address = ListenAddress(given), address.port > 0 else {
                throw UpError(.settings, "WHARF_HTTP_ADDRESS is \(given); it must be host:port, with a port from 1 to 65535.")
            }
            if let obstacle = obstacle(address) {
                throw UpError(.settings, "WHARF_HTTP_ADDRESS is \(given), where the ingress cannot listen: \(obstacle).")
            }
            self.address = address
            remark = nil
            return
        }
        let candidates = [remembered].compactMap(\.self) + Array(Self.first..<Self.first + Self.maximumAttempts)
        guard let port = candidates.first(where: isFree) else {
            throw UpError(
                .start, "Ports \(Self.first) to \(Self.first + Self.maximumAttempts - 1) are all taken.",
                advice: "Set WHARF_HTTP_ADDRESS=127.0.0.1:<port>.")
        }
        address = ListenAddress(host: Self.host, port: port)
        let expected = remembered ?? Self.first
        remark = port == expected ? nil : "Port \(expected) is taken; \(port) is used."
    }

    /// Where a client on this machine finds it: an address that means all interfaces is reached through the loopback one.
    package var url: String {
        let host = ["0.0.0.0", "::"].contains(address.host) ? Self.host : address.host
        return "http://\(ListenAddress(host: host, port: address.port))"
    }
}
