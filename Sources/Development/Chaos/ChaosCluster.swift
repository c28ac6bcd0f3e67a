import Assembly
import LocalServers
import LocalState
import Logging
import Messaging
import Terminal
import Topology
import Up

/// Servers of which any one can be lost: three RabbitMQ nodes in a cluster, a PostgreSQL primary with its standby, and a proxy before each of the five.
/// Redis, which a shop can do without, is a single server.
struct ChaosCluster: Sendable {
    /// How long the cluster may take until every queue has all its members again.
    private static let healingLimit = Duration.seconds(150)
    private static let pause = Duration.milliseconds(500)

    let broker: RabbitMQCluster
    let databases: PostgresPair
    private let redis: RedisServer
    let nodeProxies: [Proxy]
    let databaseProxies: [Proxy]

    /// Listens with the proxies; nothing else runs yet.
    init(_ folder: StateFolder, logger: Logger) async throws {
        broker = try RabbitMQCluster(folder: folder.rabbitMQ, logger: logger)
        databases = try PostgresPair(folder: try folder.postgres(), logger: logger)
        redis = try RedisServer(folder: folder.redis, logger: logger)
        nodeProxies = try await Self.proxies(to: broker.nodes.map(\.port), folder)
        databaseProxies = try await Self.proxies(to: databases.servers.map(\.port), folder)
    }

    private static func proxies(to ports: [Int], _ folder: StateFolder) async throws -> [Proxy] {
        var proxies: [Proxy] = []
        for port in ports { proxies.append(try await Proxy(on: FreePorts.next(for: folder.path), to: port)) }
        return proxies
    }

    /// As the roles reach them: through the proxies.
    var urls: ServerURLs {
        func proxied(_ url: String, _ proxies: [Proxy], _ ports: [Int]) -> String {
            zip(proxies, ports).reduce(url) { $0.replacing("\(PortChoice.host):\($1.1)", with: "\(PortChoice.host):\($1.0.port)") }
        }
        return ServerURLs(
            amqp: proxied(broker.url, nodeProxies, broker.nodes.map(\.port)),
            postgres: proxied(databases.url, databaseProxies, databases.servers.map(\.port)), redis: redis.url,
            management: "http://" + broker.nodes.map { $0.managementURL.replacing("http://", with: "") }.joined(separator: ","))
    }

    func start() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await broker.start() }
            group.addTask { try await databases.start() }
            group.addTask { try await redis.start() }
            try await group.waitForAll()
        }
    }

    func stop() async {
        await broker.kill()
        await databases.stop()
        await redis.stop()
    }

    /// Returns when each node reports that every queue has its leader and all its members.
    func awaitWholeness() async throws {
        let definitions = try Broker.definitions(Broker.standardDefinitions)
        let views = broker.nodes.map { node in
            BrokerManagement { [management = node.management] method, path, _ in (200, Array(try await management.send(method, path).utf8)) }
        }
        let isWhole = try await poll(every: Self.pause, within: Self.healingLimit) {
            for view in views {
                guard let troubles = try? await Topology.troubles(of: definitions, via: view), troubles.isEmpty else { return false }
            }
            return true
        }
        guard isWhole else { throw ChaosError(.deadline, "The cluster was not whole again within \(Self.healingLimit.inSeconds).") }
    }
}
