import CRabbitMQ
import Glibc

/// One address of one node: where a connection is tried.
struct BrokerAddress: Hashable, Sendable, CustomStringConvertible {
    /// As written in the settings: for people, and for checking a certificate.
    let node: AMQPConfiguration.Node
    /// Numeric; the node's name where it has only one address, or none that can be found.
    let host: String

    /// For one name; more than clusters have nodes.
    static let mostPerNode = 16

    var description: String { host == node.host ? "\(node)" : "\(node) (\(host))" }

    /// All addresses of a node, in a random order. Blocks the thread for as long as the resolver takes.
    static func resolve(_ node: AMQPConfiguration.Node) -> [BrokerAddress] {
        var hosts: [String] = []
        for host in numericHosts(of: node.host) where !hosts.contains(host) { hosts.append(host) }
        // By its name: librabbitmq reports why a name cannot be resolved, and TLS needs the name of the server it expects.
        guard hosts.count > 1 else { return [BrokerAddress(node: node, host: node.host)] }
        return hosts.prefix(mostPerNode).shuffled().map { BrokerAddress(node: node, host: $0) }
    }

    private static func numericHosts(of name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var hosts: [String] = []
        var entry = list
        while let current = entry?.pointee {
            entry = current.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard getnameinfo(current.ai_addr, current.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { continue }
            hosts.append(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
        return hosts
    }
}

/// The order in which one connection tries a broker's addresses: at random, so that connections spread over the nodes, and last of all those that were lost
/// lately, since a node that is frozen still accepts connections.
struct BrokerAddresses: Sequence, IteratorProtocol {
    private var nodes: [AMQPConfiguration.Node]
    private var addresses: [BrokerAddress] = []
    private let lost: Set<BrokerAddress>
    /// Those of the lost ones whose turn has come.
    private var postponed: [BrokerAddress] = []
    private let resolve: (AMQPConfiguration.Node) -> [BrokerAddress]

    init(
        of nodes: [AMQPConfiguration.Node], lost: Set<BrokerAddress>,
        resolve: @escaping (AMQPConfiguration.Node) -> [BrokerAddress] = BrokerAddress.resolve
    ) {
        self.nodes = nodes.shuffled()
        self.lost = lost
        self.resolve = resolve
    }

    /// A name is looked up when its turn comes: a slow name server does not delay attempts at the nodes before it.
    mutating func next() -> BrokerAddress? {
        while true {
            if let address = addresses.popLast() {
                guard lost.contains(address) else { return address }
                postponed.append(address)
            } else if let node = nodes.popLast() {
                addresses = resolve(node)
            } else {
                return postponed.popLast()
            }
        }
    }
}
