import LocalServers
import LocalState
import Logging

/// The private servers of a state folder.
package struct Servers: Sendable {
    package let rabbitMQ: RabbitMQServer
    package let postgres: PostgresServer
    package let redis: RedisServer
    private let folders: (rabbitMQ: String, postgres: String, redis: String)

    /// Nothing runs yet.
    /// - Parameter host: The address that clients connect to.
    /// - Throws: `LocalServerError`, when a program is not installed, say; ``UpError``.
    package init(_ folder: StateFolder, host: String = LocalAddress.loopback, logger: Logger) throws {
        folders = (folder.rabbitMQ, try folder.postgres(), folder.redis)
        rabbitMQ = try RabbitMQServer(folder: folders.rabbitMQ, host: host, logger: logger)
        postgres = try PostgresServer(folder: folders.postgres, host: host, logger: logger)
        redis = try RedisServer(folder: folders.redis, host: host, logger: logger)
    }

    package var urls: ServerURLs {
        ServerURLs(amqp: rabbitMQ.url, postgres: postgres.url, redis: redis.url, management: rabbitMQ.managementURL)
    }

    var rabbitMQSupervisor: ProcessSupervisor { supervisor("rabbitmq", rabbitMQ, rabbitMQ.process, folders.rabbitMQ) }
    var postgresSupervisor: ProcessSupervisor { supervisor("postgresql", postgres, postgres.process, folders.postgres) }
    var redisSupervisor: ProcessSupervisor { supervisor("redis", redis, redis.process, folders.redis) }

    private func supervisor(_ name: String, _ server: any LocalServer, _ process: ManagedProcess, _ folder: String) -> ProcessSupervisor {
        ProcessSupervisor(
            name: name, role: name, process: process, log: LogFile(path: "\(folder)/log"),
            start: { try await server.start() }, stop: { await server.stop() },
            // Its start waits until it is.
            isReady: { _ in true })
    }
}
