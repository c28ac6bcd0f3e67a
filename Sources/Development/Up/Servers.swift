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
    /// - Throws: `LocalServerError`, when a program is not installed, say; ``UpError``.
    package init(_ folder: StateFolder, logger: Logger) throws {
        folders = (folder.rabbitMQ, try folder.postgres(), folder.redis)
        rabbitMQ = try RabbitMQServer(folder: folders.rabbitMQ, logger: logger)
        postgres = try PostgresServer(folder: folders.postgres, logger: logger)
        redis = try RedisServer(folder: folders.redis, logger: logger)
    }

    package var backends: Backends {
        Backends(amqp: rabbitMQ.url, postgres: postgres.url, redis: redis.url, management: rabbitMQ.managementURL)
    }

    var rabbitMQKeeper: Keeper { keeper("rabbitmq", rabbitMQ, rabbitMQ.process, folders.rabbitMQ) }
    var postgresKeeper: Keeper { keeper("postgresql", postgres, postgres.process, folders.postgres) }
    var redisKeeper: Keeper { keeper("redis", redis, redis.process, folders.redis) }

    private func keeper(_ name: String, _ server: any LocalServer, _ process: ManagedProcess, _ folder: String) -> Keeper {
        Keeper(
            name: name, role: name, process: process, log: LogFile(path: "\(folder)/log"),
            start: { try await server.start() }, stop: { await server.stop() },
            // Its start waits until it is.
            isReady: { _ in true })
    }
}
