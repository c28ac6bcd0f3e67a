import PostgreSQL

/// A service as the runtime sees it: its name, which is also its schema, its database role and its RabbitMQ user, and what it handles.
public struct ServiceDefinition: Sendable {
    public let name: String
    public let operations: [Operation]
    public let pollers: [Poller]
    /// The queues it consumes; which operation comes by which queue is topology.
    public let queues: [String]
    /// Those of `queues` whose messages hold credentials: their bodies are never written into a dead letter, and the inbox keeps no hash of them.
    public let sensitiveQueues: Set<String>

    public init(
        name: String, operations: [Operation], pollers: [Poller] = [], queues: [String]? = nil,
        sensitiveQueues: Set<String> = []
    ) {
        self.name = name
        self.operations = operations
        self.pollers = pollers
        self.queues = queues ?? ["\(name).queries", "\(name).commands"]
        self.sensitiveQueues = sensitiveQueues
    }
}

/// Work that becomes due by time alone. `find` takes what is due under a lock that others skip, moves its due time on, and gives the messages
/// that will do it; should they be lost, it is due again.
public struct Poller: Sendable {
    public let name: String
    public let interval: Duration
    public let find: @Sendable (any SQLConnection) async throws -> [Emission]

    public init(
        name: String, interval: Duration, find: @escaping @Sendable (any SQLConnection) async throws -> [Emission]
    ) {
        self.name = name
        self.interval = interval
        self.find = find
    }
}
