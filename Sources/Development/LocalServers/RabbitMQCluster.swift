import Logging

/// Three private RabbitMQ nodes on 127.0.0.1 that form one cluster. Each is a process of its own, to be killed, frozen and started again.
public actor RabbitMQCluster {
    /// The smallest number of which one can be lost.
    public static let size = 3

    public nonisolated let nodes: [RabbitMQServer]
    /// Names all nodes.
    public nonisolated let url: String
    private let portMapper: PortMapper
    private let epmd: ManagedProcess

    /// Prepares the nodes; nothing runs yet.
    /// - Throws: ``LocalServerError``: `missing`, `folder` or `ports`.
    public init(folder path: String, logger: Logger? = nil) throws {
        let folder = try ServerFolder(path)
        let (cookie, password) = (try folder.secret(".erlang.cookie"), try folder.secret("password"))
        let port = try folder.ports(["epmd"], logger: logger)["epmd"] ?? 0
        let names = (1...Self.size).map { "wharf\($0)@localhost" }
        let nodes = try names.map { name in
            let own = try ServerFolder(folder.file(String(name.prefix { $0 != "@" })))
            try own.write(cookie, to: ".erlang.cookie")
            try own.write(password, to: "password")
            let membership = RabbitMQNode.Membership(name: name, peers: names, portMapperPort: port)
            return try RabbitMQServer(RabbitMQNode(folder: own, prometheus: false, membership: membership, logger: logger), logger: logger)
        }
        self.nodes = nodes
        let ports = nodes.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        url = "amqp://\(RabbitMQServer.user):\(password)@\(ports)/"
        portMapper = PortMapper(port: port, folder: folder)
        epmd = try portMapper.process()
    }

    /// Starts every node, and returns when all of them answer as one cluster.
    /// - Throws: ``LocalServerError``; after a throw nothing is left running.
    public func start() async throws {
        do {
            try await portMapper.start(epmd)
            // The first creates the cluster, the others join it.
            try await nodes.first?.start()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes.dropFirst() { group.addTask { try await node.start() } }
                try await group.waitForAll()
            }
        } catch {
            await kill()
            throw error
        }
    }

    public func stop() async {
        await withDiscardingTaskGroup { group in
            for node in nodes { group.addTask { await node.stop() } }
        }
        await epmd.stop()
    }

    public func kill() async {
        await withDiscardingTaskGroup { group in
            for node in nodes { group.addTask { await node.kill() } }
        }
        await epmd.kill()
    }
}
