import Glibc
import LocalServers
import Terminal

/// One server of several is lost, and the others have to take over.
enum ClusterFault: Fault {
    enum Act: Sendable {
        case kill
        /// SIGSTOP: the kernel still accepts connections, and no answer comes.
        case freeze
        /// Traffic between it and the roles is swallowed; the other servers still reach it.
        case silence
    }

    /// One of three RabbitMQ nodes, counted from 1.
    case node(String, Act)
    /// PostgreSQL's primary; its standby is promoted at once, as a failover manager would.
    case primary(Act)

    static let nodes = (1...RabbitMQCluster.size).map(String.init)

    func inject(into shop: ChaosShop) async throws {
        let cluster = try shop.cluster
        switch self {
        case .node(let name, let act):
            let (node, proxy) = try Self.member(name, of: cluster)
            switch act {
            case .kill: await node.kill()
            case .freeze: await node.process.send(signal: SIGSTOP)
            case .silence: proxy.traffic.enter(.silent)
            }
        case .primary(let act):
            let primary = await cluster.databases.primary
            switch act {
            case .kill: await primary.kill()
            case .freeze: await primary.freeze()
            case .silence:
                for (server, proxy) in zip(cluster.databases.servers, cluster.databaseProxies) where server.port == primary.port {
                    proxy.traffic.enter(.silent)
                }
            }
            try await cluster.databases.failOver()
        }
    }

    func restore(in shop: ChaosShop) async throws {
        let cluster = try shop.cluster
        switch self {
        case .node(let name, let act):
            let (node, proxy) = try Self.member(name, of: cluster)
            switch act {
            case .kill: try await node.start()
            case .freeze: await node.process.send(signal: SIGCONT)
            case .silence: proxy.traffic.enter(.open)
            }
            // Otherwise the next fault would take down a second one.
            try await cluster.awaitWholeness()
        case .primary:
            try await cluster.databases.rebuild()
            for proxy in cluster.databaseProxies { proxy.traffic.enter(.open) }
        }
    }

    private static func member(_ name: String, of cluster: ChaosCluster) throws -> (RabbitMQServer, Proxy) {
        let all = zip(cluster.broker.nodes, cluster.nodeProxies)
        for (number, pair) in zip(nodes, all) where number == name { return pair }
        throw ChaosError(.failed, "There is no node \(name).")
    }
}
