import PostgreSQL

/// A service as the runtime sees it: its name, which is also its schema, its database role and its RabbitMQ user, and the operations it handles.
public struct ServiceDefinition: Sendable {
    public let name: String
    public let operations: [Operation]
    public let pollers: [Poller]
    /// The queues it consumes.
    public let queues: [String]
    /// Operations that arrive on a queue other than `<name>.queries` for queries and `<name>.commands` for everything else.
    public let routes: [String: String]
    /// Those of `queues` whose messages contain credentials: their bodies are never written to a dead letter, and the inbox keeps no hash of them.
    public let sensitiveQueues: Set<String>
    /// Requests that it sends without waiting for a reply.
    public let sends: [String]
    /// Requests whose replies it waits for.
    public let asks: [String]
    /// Events that it publishes.
    public let announces: [String]
    /// Whether one of its operations is answered.
    public let isAnswering: Bool
    /// Whether it takes dead letters in, and sends them back to the queues that they came from.
    public let replaysDeadLetters: Bool

    public init(
        name: String, operations: [Operation], pollers: [Poller] = [], queues: [String]? = nil, routes: [String: String] = [:],
        sensitiveQueues: Set<String> = [], sends: [String] = [], asks: [String] = [], announces: [String] = [], isAnswering: Bool = true,
        replaysDeadLetters: Bool = false
    ) {
        self.name = name
        self.operations = operations
        self.pollers = pollers
        self.queues = queues ?? ["\(name).queries", "\(name).commands"]
        self.routes = routes
        self.sensitiveQueues = sensitiveQueues
        self.sends = sends
        self.asks = asks
        self.announces = announces
        self.isAnswering = isAnswering
        self.replaysDeadLetters = replaysDeadLetters
    }

    /// All requests that it sends.
    public var requests: [String] { sends + asks }

    /// Whether an operation of this service arrives as a request; all others that it registers are events.
    public func brings(_ operation: String) -> Bool {
        operation.hasPrefix("\(name).") && operations.contains { $0.key == operation }
    }

    public func queue(of operation: Operation) -> String {
        routes[operation.key] ?? "\(name).\(operation.isQuery ? "queries" : "commands")"
    }
}

/// Work that becomes due with time alone. `find` claims due work under a lock that other workers skip, postpones its due time, and returns the messages
/// that perform it; if they are lost, the work becomes due again.
public struct Poller: Sendable {
    public let name: String
    public let interval: Duration
    /// Whether it polls again at once after it has found something.
    public let repeats: Bool
    public let find: @Sendable (any SQLConnection) async throws -> [OutgoingMessage]

    public init(
        name: String, interval: Duration, repeats: Bool = false, find: @escaping @Sendable (any SQLConnection) async throws -> [OutgoingMessage]
    ) {
        self.name = name
        self.interval = interval
        self.repeats = repeats
        self.find = find
    }
}
