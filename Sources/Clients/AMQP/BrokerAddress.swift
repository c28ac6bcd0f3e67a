import IOThreads

/// One address of one node: where a connection is tried.
struct BrokerAddress: Hashable, Sendable, CustomStringConvertible {
    /// As written in the settings: for people, and for checking a certificate.
    let node: AMQPConfiguration.Node
    /// A numeric address, or the node's name if TLS is used and the name has only one address.
    let host: String

    var description: String { host == node.host ? "\(node)" : "\(node) (\(host))" }

    /// All addresses of a node, in random order. Blocks the thread for at most `limit`.
    /// - Parameter keepsName: whether to connect by name if the name has one address; otherwise TLS does not send the name to the server.
    static func resolve(
        _ node: AMQPConfiguration.Node, within limit: Duration, keepsName: Bool, by lookup: HostLookup = .ofProcess
    ) -> Result<[BrokerAddress], AMQPError> {
        switch lookup.addresses(of: node.host, within: limit) {
        case .success(let hosts):
            let hosts = keepsName && hosts.count == 1 ? [node.host] : hosts
            return .success(hosts.shuffled().map { BrokerAddress(node: node, host: $0) })
        case .failure(let error):
            return .failure(AMQPError(.unreachable, "no connection to \(node): \(error.message)", isTransient: true))
        }
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
    private let resolve: (AMQPConfiguration.Node) -> Result<[BrokerAddress], AMQPError>

    init(
        of nodes: [AMQPConfiguration.Node], lost: Set<BrokerAddress>, resolve: @escaping (AMQPConfiguration.Node) -> Result<[BrokerAddress], AMQPError>
    ) {
        self.nodes = nodes.shuffled()
        self.lost = lost
        self.resolve = resolve
    }

    /// A name is looked up when its turn comes: a slow name server does not delay attempts at the nodes before it. The failure says why a lookup failed.
    mutating func next() -> Result<BrokerAddress, AMQPError>? {
        while true {
            if let address = addresses.popLast() {
                guard lost.contains(address) else { return .success(address) }
                postponed.append(address)
            } else if let node = nodes.popLast() {
                switch resolve(node) {
                case .success(let found): addresses = found
                case .failure(let error): return .failure(error)
                }
            } else {
                return postponed.popLast().map { .success($0) }
            }
        }
    }
}
