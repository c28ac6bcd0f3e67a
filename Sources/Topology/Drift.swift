import JSON

/// One difference between the definitions and a broker.
public struct Drift: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// In the file, not in the broker.
        case missing
        /// In both, with different properties.
        case different
        /// In the broker, not in the file, and in Wharf's part of the broker.
        case extra
    }

    public let kind: Kind
    /// The object concerned: `queue carts.commands`.
    public let object: String
    /// What differs; empty where `kind` says everything.
    public let detail: String
    /// Whether the broker cannot change it in place.
    let isFixed: Bool

    init(_ kind: Kind, _ object: String, _ detail: String = "", isFixed: Bool = false) {
        self.kind = kind
        self.object = object
        self.detail = detail
        self.isFixed = isFixed
    }

    /// One line: `different: policy queries: max-length is 500, not 1000`.
    public var description: String {
        "\(kind.rawValue): \(object)" + (detail.isEmpty ? "" : ": \(detail)")
    }
}

/// An entry of the definitions that can be found and compared.
protocol DefinitionEntry {
    /// Its name, the same in the file and in the broker: `queue carts.commands`.
    var title: String { get }
    /// Everything that may differ between two entries of one title.
    var properties: [String: JSONValue] { get }
    /// Whether the properties are fixed once the object is created.
    static var isFixed: Bool { get }
}

extension DefinitionEntry {
    static var isFixed: Bool { false }

    /// How `actual` differs from this entry; nil when they are the same.
    func difference(to actual: Self) -> Drift? {
        let (wanted, held) = (properties, actual.properties)
        let details = Set(wanted.keys).union(held.keys).sorted().compactMap { name -> String? in
            switch (wanted[name], held[name]) {
            case (let wanted?, let held?): wanted == held ? nil : "\(name) is \(held), not \(wanted)"
            case (let wanted?, nil): "\(name) is not set, it should be \(wanted)"
            case (nil, let held?): "\(name) is \(held), it should not be set"
            case (nil, nil): nil
            }
        }
        return details.isEmpty ? nil : Drift(.different, title, details.joined(separator: "; "), isFixed: Self.isFixed)
    }
}

extension Definitions.VirtualHost: DefinitionEntry {
    var title: String { "virtual host \(name)" }
    var properties: [String: JSONValue] { [:] }
}

extension Definitions.User: DefinitionEntry {
    var title: String { "user \(name)" }
    /// Without the password: the file has none.
    var properties: [String: JSONValue] { ["tags": .array(tags.sorted().map { .string($0) })] }
}

extension Definitions.Permission: DefinitionEntry {
    var title: String { "permission of \(user)" + inHost(virtualHost) }
    var properties: [String: JSONValue] {
        ["configure": .string(configure), "write": .string(write), "read": .string(read)]
    }
}

extension Definitions.TopicPermission: DefinitionEntry {
    var title: String { "topic permission of \(user) on \(exchange)" + inHost(virtualHost) }
    var properties: [String: JSONValue] { ["write": .string(write), "read": .string(read)] }
}

extension Definitions.Exchange: DefinitionEntry {
    static var isFixed: Bool { true }
    var title: String { "exchange \(name)" + inHost(virtualHost) }
    var properties: [String: JSONValue] {
        arguments.merging([
            "type": .string(type), "durable": .boolean(durable), "auto_delete": .boolean(autoDelete),
            "internal": .boolean(`internal`),
        ]) { $1 }
    }
}

extension Definitions.Queue: DefinitionEntry {
    static var isFixed: Bool { true }
    var title: String { "queue \(name)" + inHost(virtualHost) }
    var properties: [String: JSONValue] {
        arguments.merging([
            Self.typeArgument: .string(type), "durable": .boolean(durable), "auto_delete": .boolean(autoDelete),
        ]) { $1 }
    }
}

extension Definitions.Binding: DefinitionEntry {
    var title: String {
        let marks = arguments.isEmpty ? "" : " \(JSONValue.object(arguments))"
        return "binding \(source) --\(routingKey)--> \(destinationType) \(destination)\(marks)" + inHost(virtualHost)
    }
    var properties: [String: JSONValue] { [:] }
}

extension Definitions.Policy: DefinitionEntry {
    var title: String { "policy \(name)" + inHost(virtualHost) }
    var properties: [String: JSONValue] {
        definition.merging([
            "pattern": .string(pattern), "apply-to": .string(applyTo), "priority": .integer(priority),
        ]) { $1 }
    }
}

private func inHost(_ name: String) -> String {
    name == "/" ? "" : " in \(name)"
}
