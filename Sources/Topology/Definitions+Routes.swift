import JSON

// Where messages go. A member that the file leaves out has RabbitMQ's own default.

extension Definitions {
    public struct Exchange: Sendable, Hashable {
        public var virtualHost: String
        public var name: String
        public var type: String
        public var durable: Bool
        public var autoDelete: Bool
        public var `internal`: Bool
        public var arguments: [String: JSONValue]

        public init(
            virtualHost: String, name: String, type: String, durable: Bool = true, autoDelete: Bool = false,
            internal: Bool = false, arguments: [String: JSONValue] = [:]
        ) {
            self.virtualHost = virtualHost
            self.name = name
            self.type = type
            self.durable = durable
            self.autoDelete = autoDelete
            self.internal = `internal`
            self.arguments = arguments
        }
    }

    public struct Binding: Sendable, Hashable {
        public var virtualHost: String
        public var source: String
        public var destination: String
        /// `queue` or `exchange`.
        public var destinationType: String
        public var routingKey: String
        public var arguments: [String: JSONValue]

        public init(
            virtualHost: String, source: String, destination: String, destinationType: String = "queue", routingKey: String,
            arguments: [String: JSONValue] = [:]
        ) {
            self.virtualHost = virtualHost
            self.source = source
            self.destination = destination
            self.destinationType = destinationType
            self.routingKey = routingKey
            self.arguments = arguments
        }
    }
}

extension Definitions.Exchange: Codable {
    enum CodingKeys: String, CodingKey {
        case name, type, durable, `internal`, arguments
        case virtualHost = "vhost"
        case autoDelete = "auto_delete"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualHost = try container.decode(String.self, forKey: .virtualHost)
        name = try container.decode(String.self, forKey: .name)
        type = try container.value(.type, or: "direct")
        durable = try container.value(.durable, or: true)
        autoDelete = try container.value(.autoDelete, or: false)
        `internal` = try container.value(.internal, or: false)
        arguments = try container.value(.arguments, or: [:])
    }
}

extension Definitions.Binding: Codable {
    enum CodingKeys: String, CodingKey {
        case source, destination, arguments
        case virtualHost = "vhost"
        case destinationType = "destination_type"
        case routingKey = "routing_key"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualHost = try container.decode(String.self, forKey: .virtualHost)
        source = try container.decode(String.self, forKey: .source)
        destination = try container.decode(String.self, forKey: .destination)
        destinationType = try container.value(.destinationType, or: "queue")
        routingKey = try container.value(.routingKey, or: "")
        arguments = try container.value(.arguments, or: [:])
    }
}
