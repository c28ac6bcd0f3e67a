import JSON

// Where messages are stored. A member that the file leaves out has RabbitMQ's own default.

extension Definitions {
    public struct Queue: Sendable, Hashable {
        public var virtualHost: String
        public var name: String
        public var durable: Bool
        public var autoDelete: Bool
        public var arguments: [String: JSONValue]

        /// `classic`, `quorum` or `stream`; fixed when the queue is declared.
        public var type: String {
            if case .string(let type)? = arguments[Self.typeArgument] { type } else { "classic" }
        }

        static let typeArgument = "x-queue-type"

        /// Holds only queries: nothing that has to survive the loss of its node.
        var isOfQueries: Bool { name.hasSuffix(".queries") }

        public init(
            virtualHost: String, name: String, type: String, durable: Bool = true, autoDelete: Bool = false,
            arguments: [String: JSONValue] = [:]
        ) {
            self.virtualHost = virtualHost
            self.name = name
            self.durable = durable
            self.autoDelete = autoDelete
            self.arguments = arguments.merging([Self.typeArgument: .string(type)]) { $1 }
        }
    }

    /// Limits and dead-lettering of the queues whose names match. Only ONE policy applies to a queue: the one of the highest priority.
    public struct Policy: Sendable, Hashable {
        public var virtualHost: String
        public var name: String
        public var pattern: String
        public var applyTo: String
        public var priority: Int
        public var definition: [String: JSONValue]

        public init(
            virtualHost: String, name: String, pattern: String, applyTo: String = "queues", priority: Int = 0,
            definition: [String: JSONValue]
        ) {
            self.virtualHost = virtualHost
            self.name = name
            self.pattern = pattern
            self.applyTo = applyTo
            self.priority = priority
            self.definition = definition
        }
    }
}

extension Definitions {
    /// The definitions as a broker with this many nodes should have them.
    ///
    /// A quorum queue writes every query to the disk. Without a second node that gains nothing: query queues are created as classic queues
    /// there, and existing quorum queues may stay.
    func fitted(to held: Definitions, nodeCount: Int) -> Definitions {
        guard nodeCount == 1 else { return self }
        var result = self
        for index in queues.indices where queues[index].isOfQueries {
            let existing = held.queues.first { $0.name == queues[index].name && $0.virtualHost == queues[index].virtualHost }
            let type = existing?.type == queues[index].type ? queues[index].type : "classic"
            result.queues[index].arguments[Queue.typeArgument] = .string(type)
        }
        return result
    }
}

extension Definitions.Queue: Codable {
    enum CodingKeys: String, CodingKey {
        case name, durable, arguments
        case virtualHost = "vhost"
        case autoDelete = "auto_delete"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualHost = try container.decode(String.self, forKey: .virtualHost)
        name = try container.decode(String.self, forKey: .name)
        durable = try container.value(.durable, or: true)
        autoDelete = try container.value(.autoDelete, or: false)
        arguments = try container.value(.arguments, or: [:])
    }
}

extension Definitions.Policy: Codable {
    enum CodingKeys: String, CodingKey {
        case name, pattern, priority, definition
        case virtualHost = "vhost"
        case applyTo = "apply-to"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualHost = try container.decode(String.self, forKey: .virtualHost)
        name = try container.decode(String.self, forKey: .name)
        pattern = try container.decode(String.self, forKey: .pattern)
        applyTo = try container.value(.applyTo, or: "all")
        priority = try container.value(.priority, or: 0)
        definition = try container.value(.definition, or: [:])
    }
}
