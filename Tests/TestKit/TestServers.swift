import LocalServers
import Synchronization

/// Private servers, one of each for all tests of a process; started on first use, without durability, in a temporary
/// folder that is removed at the end of the process.
///
/// Tests must not break shared servers: a test that kills a server makes one of its own in ``folder(_:)``.
public enum TestServers {
    private static let numbers = Atomic<Int>(0)
    private static let shared = SharedServers()

    public static func rabbitMQ() async throws -> RabbitMQServer { try await shared.rabbitMQ.value() }
    public static func postgres() async throws -> PostgresServer { try await shared.postgres.value() }
    public static func redis() async throws -> RedisServer { try await shared.redis.value() }

    /// An empty database of the shared PostgreSQL, for one test; returns its URL.
    public static func freshDatabase() async throws -> String {
        try await postgres().createDatabase("test_\(nextNumber())")
    }

    /// An empty virtual host of the shared RabbitMQ, for one test; returns its URL with the user `admin`.
    public static func freshVirtualHost() async throws -> String {
        try await rabbitMQ().createVirtualHost("test-\(nextNumber())")
    }

    /// The path of a folder that no other test has; not created yet, removed at the end of the process.
    public static func folder(_ name: String) -> String {
        "\(TestFolder.path)/\(name)-\(nextNumber())"
    }

    private static func nextNumber() -> Int {
        numbers.add(1, ordering: .relaxed).newValue
    }
}

/// One of each server, made when it is first asked for.
private struct SharedServers: Sendable {
    let rabbitMQ = Shared { try RabbitMQServer(folder: TestServers.folder("rabbitmq"), prometheus: true) }
    let postgres = Shared { try PostgresServer(folder: TestServers.folder("postgres"), durable: false) }
    let redis = Shared { try RedisServer(folder: TestServers.folder("redis"), durable: false) }
}

/// A server that is started once, however many ask at the same time. A failed start fails for all.
private actor Shared<Server: LocalServer> {
    private let make: @Sendable () throws -> Server
    private var start: Task<Server, any Error>?

    init(_ make: @escaping @Sendable () throws -> Server) {
        self.make = make
    }

    func value() async throws -> Server {
        if let start { return try await start.value }
        let make = make
        let task = Task {
            let server = try make()
            try await server.start()
            return server
        }
        start = task
        return try await task.value
    }
}
