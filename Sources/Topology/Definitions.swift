import FoundationEssentials
import JSON

/// `topology/definitions.json`: the objects that Wharf requires of a broker, in RabbitMQ's own definitions format.
///
/// Unknown content is tolerated: members of other versions are ignored, missing lists are empty.
public struct Definitions: Sendable, Equatable, Codable {
    public var virtualHosts: [VirtualHost] = []
    public var users: [User] = []
    public var permissions: [Permission] = []
    public var topicPermissions: [TopicPermission] = []
    public var exchanges: [Exchange] = []
    public var queues: [Queue] = []
    public var bindings: [Binding] = []
    public var policies: [Policy] = []

    public init() {}

    enum CodingKeys: String, CodingKey {
        case virtualHosts = "vhosts"
        case users, permissions
        case topicPermissions = "topic_permissions"
        case exchanges, queues, bindings, policies
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualHosts = try container.list(.virtualHosts)
        users = try container.list(.users)
        permissions = try container.list(.permissions)
        topicPermissions = try container.list(.topicPermissions)
        exchanges = try container.list(.exchanges)
        queues = try container.list(.queues)
        bindings = try container.list(.bindings)
        policies = try container.list(.policies)
    }

    /// Reads the bytes of a definitions file.
    /// - Throws: ``TopologyError`` with code `unreadable`, naming the fault and where it is.
    public init(json bytes: [UInt8]) throws(TopologyError) {
        do {
            self = try JSON.decode(from: bytes)
        } catch {
            throw TopologyError(.unreadable, "The definitions are not in RabbitMQ's format: \(Self.reason(error))")
        }
    }

    /// Reads a definitions file.
    /// - Throws: ``TopologyError`` with code `unreadable`.
    public init(contentsOf path: String) throws(TopologyError) {
        let bytes: [UInt8]
        do {
            bytes = try Array(Data(contentsOf: URL(filePath: path)))
        } catch {
            throw TopologyError(.unreadable, "The definitions file \(path) cannot be read: \(error)")
        }
        try self.init(json: bytes)
    }

    private static func reason(_ error: any Error) -> String {
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        return switch error {
        case DecodingError.keyNotFound(let key, let context): "\(place(context)) has no \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\(place(context)): \(context.debugDescription)"
        case DecodingError.dataCorrupted(let context): context.debugDescription
        default: "\(error)"
        }
    }
}

extension KeyedDecodingContainer {
    func list<Element: Decodable>(_ key: Key) throws -> [Element] {
        try decodeIfPresent([Element].self, forKey: key) ?? []
    }

    func value<Value: Decodable>(_ key: Key, or standard: Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? standard
    }
}
