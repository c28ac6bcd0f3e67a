import JSON
import Messaging

// The definitions derived from the services: the one place that knows how Wharf lays out a broker.

private typealias Topics = Messaging.Exchange

extension Definitions {
    private static let virtualHost = "/"
    private static let nothing = "^$"
    private static let maximumCommands = 200_000
    private static let maximumQueries = 1_000
    /// The queues whose messages wait for as long as it takes.
    private static let kept = ["commands", "imports", "jobs"]
    private static let maximumDeadLetters = 1_000_000
    /// Announcements of messages on the retry ladder that wait for the deadletters workers: enough for several seconds of a burst. Beyond that, the oldest are dropped.
    private static let maximumAnnouncements = 50_000
    private static let maximumAnnouncedBytes = 128 << 20
    /// Longer than any deadline of a query: its requester has stopped waiting.
    private static let queryLifetime = 60_000
    /// A message that crashes this many workers becomes a dead letter.
    private static let deliveryLimit = 20
    private static let unlimited = 1_000_000_000

    /// The definitions for these services and the ingress in front of them.
    /// - Parameters:
    ///   - offered: The operations that the ingress sends: those of openapi.yaml, those that `Prefer: wait` causes, and its own.
    ///   - console: The operations that the web console sends.
    public init(services: [ServiceDefinition], offered: [String], console: [String] = [], ladder: RetryLadder = .standard) {
        self.init()
        let services = services.sorted { $0.name < $1.name }
        virtualHosts = [VirtualHost(name: Self.virtualHost)]
        users = (services.map(\.name) + [Consistency.console, Consistency.ingress, Consistency.monitoring]).sorted().map { name in
            // These read queue depths from the management API, and may change nothing there.
            User(name: name, tags: [Consistency.console, Consistency.monitoring].contains(name) ? ["monitoring"] : [])
        }
        let retries = ladder.queues.map(\.name)
        addAccess(services, offered: offered, console: console, retries: retries)
        exchanges = (Self.fixedExchanges + retries).map { Exchange(virtualHost: Self.virtualHost, name: $0, type: "topic") }
        exchanges.append(Exchange(virtualHost: Self.virtualHost, name: Self.anchor, type: "fanout", internal: true))
        for queue in (services.flatMap(\.queues) + [Topics.deadLetters, Topics.waiting]).sorted() {
            queues.append(Queue(virtualHost: Self.virtualHost, name: queue, type: "quorum"))
        }
        queues += retries.map { Queue(virtualHost: Self.virtualHost, name: $0, type: "quorum") }
        addBindings(services, retries: retries)
        addPolicies(services, ladder)
    }

    private static let fixedExchanges = [
        Topics.deadLetters, Topics.events, Topics.queues, Topics.replies, Topics.requests, Topics.waiting,
    ]

    /// Has no queue behind it. RabbitMQ keeps the keys of a topic exchange as a tree of words, and removes a word with the last binding that contains it. When a node is lost
    /// while queues that live as long as their connection are created and deleted, another node can permanently lose a word that is still needed: bindings are listed, but
    /// nothing is routed any more. A word that always has a binding is never removed, so each word that only such queues would bind has one to this exchange.
    private static let anchor = "anchor"

    // MARK: Access

    private mutating func addAccess(_ services: [ServiceDefinition], offered: [String], console: [String], retries: [String]) {
        for service in services {
            let own = Self.own(service)
            let replyQueue = service.asks.isEmpty ? nil : "replies\\.\(service.name)\\."
            var write = replyQueue.map { ["\($0).*"] } ?? []
            if !service.requests.isEmpty { write.append(Topics.requests) }
            if !service.announces.isEmpty { write.append(Topics.events) }
            if service.isAnswering { write.append(Topics.replies) }
            write += [Topics.deadLetters, Topics.waiting, "retry\\.[0-9]+[sm]\\.[ab]"]
            if service.replaysDeadLetters { write.append(Topics.queues) }
            let read = [own] + (service.replaysDeadLetters ? [Topics.waiting] : []) + (replyQueue.map { ["\($0).*", Topics.replies] } ?? [])
            permit(service.name, configure: replyQueue.map { "^\($0)" } ?? Self.nothing, write: Self.either(write), read: Self.either(read))
            permit(service.name, Topics.deadLetters, write: "^(\(own))$")
            permit(service.name, Topics.waiting, write: "^(\(own))$")
            if !service.announces.isEmpty { permit(service.name, Topics.events, write: Self.either(service.announces.map(Self.escaped))) }
            if service.replaysDeadLetters {
                permit(service.name, Topics.queues, write: "^[a-z]+\\.(\(Self.kinds(services).joined(separator: "|")))$")
            }
            if service.isAnswering {
                let askers = services.filter { asker in asker.asks.contains { service.brings($0) } }.map(\.name)
                let names = [Consistency.ingress] + (console.contains { service.brings($0) } ? [Consistency.console] : []) + askers
                permit(
                    service.name, Topics.replies, write: "^(amq\\.gen-|replies\\.(\(names.joined(separator: "|")))\\.)",
                    read: replyQueue.map { "^\($0)" } ?? Self.nothing)
            }
            if !service.requests.isEmpty { permit(service.name, Topics.requests, write: Self.either(service.requests.map(Self.escaped))) }
            for retry in retries { permit(service.name, retry, write: "^(\(own))$") }
        }
        let ingress = Consistency.ingress
        permit(
            ingress, configure: "^(replies|events)\\.\(ingress)\\.", write: "^((replies|events)\\.\(ingress)\\..*|requests)$",
            read: "^((replies|events)\\.\(ingress)\\..*|replies|events)$")
        permit(ingress, Topics.events, write: Self.nothing, read: Self.either(Self.heard(services).map(Self.escaped)))
        permit(ingress, Topics.replies, write: Self.nothing, read: "^replies\\.\(ingress)\\.")
        permit(ingress, Topics.requests, write: Self.either(offered.map(Self.escaped)))
        addConsole(console)
        // For autoscalers. Without an entry, the management API shows a user nothing of the virtual host.
        permit(Consistency.monitoring, configure: Self.nothing, write: Self.nothing, read: Self.nothing)
    }

    /// The console has a separate user, because it needs only administrators' operations.
    private mutating func addConsole(_ operations: [String]) {
        let user = Consistency.console
        permit(user, configure: "^replies\\.\(user)\\.", write: "^(replies\\.\(user)\\..*|requests)$", read: "^(replies\\.\(user)\\..*|replies)$")
        permit(user, Topics.replies, write: Self.nothing, read: "^replies\\.\(user)\\.")
        permit(user, Topics.requests, write: Self.either(operations.map(Self.escaped)))
    }

    private mutating func permit(_ user: String, configure: String, write: String, read: String) {
        permissions.append(Permission(user: user, virtualHost: Self.virtualHost, configure: configure, write: write, read: read))
    }

    private mutating func permit(_ user: String, _ exchange: String, write: String, read: String = Self.nothing) {
        topicPermissions.append(TopicPermission(user: user, virtualHost: Self.virtualHost, exchange: exchange, write: write, read: read))
    }

    /// The queues of a service, as a regular expression.
    private static func own(_ service: ServiceDefinition) -> String {
        "\(service.name)\\.(\(service.queues.map(kind).joined(separator: "|")))" + (service.replaysDeadLetters ? "|\(Topics.deadLetters)" : "")
    }

    /// `commands`, `queries` and the other suffixes of the services' queue names.
    private static func kinds(_ services: [ServiceDefinition]) -> [String] {
        Set(services.flatMap(\.queues).map(kind)).sorted()
    }

    private static func kind(_ queue: String) -> String { String(queue.drop { $0 != "." }.dropFirst()) }

    private static func either(_ patterns: [String]) -> String { "^(\(patterns.joined(separator: "|")))$" }
    private static func escaped(_ key: String) -> String { key.replacing(".", with: "\\.") }

    // MARK: Routes

    private mutating func addBindings(_ services: [ServiceDefinition], retries: [String]) {
        bind(Topics.deadLetters, "#", to: Topics.deadLetters)
        bind(Topics.waiting, "#", to: Topics.waiting)
        for service in services {
            for operation in service.operations where !service.brings(operation.key) {
                bind(Topics.events, operation.key, to: service.queue(of: operation))
            }
        }
        for queue in services.flatMap(\.queues).sorted() { bind(Topics.queues, queue, to: queue) }
        for service in services {
            for operation in service.operations.sorted(by: { $0.key < $1.key }) where service.brings(operation.key) {
                bind(Topics.requests, operation.key, to: service.queue(of: operation))
            }
        }
        for retry in retries { bind(retry, "#", to: retry) }
        for event in Self.heard(services) { anchor(Topics.events, event) }
        for asker in [Consistency.ingress, Consistency.console] + services.filter({ !$0.asks.isEmpty }).map(\.name) { anchor(Topics.replies, "replies.\(asker)") }
    }

    private mutating func bind(_ exchange: String, _ routingKey: String, to queue: String) {
        bindings.append(Binding(virtualHost: Self.virtualHost, source: exchange, destination: queue, routingKey: routingKey))
    }

    private mutating func anchor(_ exchange: String, _ routingKey: String) {
        bindings.append(
            Binding(virtualHost: Self.virtualHost, source: exchange, destination: Self.anchor, destinationType: "exchange", routingKey: routingKey))
    }

    /// The events that no service handles, but the ingress receives.
    private static func heard(_ services: [ServiceDefinition]) -> [String] {
        services.flatMap(\.announces).filter { event in !services.contains { $0.operations.contains { $0.key == event } } }
    }

    // MARK: Limits

    private mutating func addPolicies(_ services: [ServiceDefinition], _ ladder: RetryLadder) {
        limit(
            "commands", "^[a-z]+\\.(\(Self.kept.joined(separator: "|")))$", Self.maximumCommands,
            [
                "delivery-limit": .integer(Self.deliveryLimit), "dead-letter-exchange": .string(Topics.deadLetters),
                "dead-letter-strategy": "at-least-once",
            ])
        limit("dead-letters", "^dead-letters$", Self.maximumDeadLetters, ["delivery-limit": .integer(Self.unlimited)])
        limit(
            "waiting", "^waiting$", Self.maximumAnnouncements,
            [
                // Announcements only make messages visible, so losing some is better than refusing any. An announcement is useless once its message has returned.
                "overflow": "drop-head", "max-length-bytes": .integer(Self.maximumAnnouncedBytes), "delivery-limit": .integer(Self.unlimited),
                "message-ttl": .integer(ladder.queues.map(\.milliseconds).max() ?? 0),
            ])
        let others = Self.kinds(services).filter { !Self.kept.contains($0) }
        limit("queries", "^[a-z]+\\.(\(others.joined(separator: "|")))$", Self.maximumQueries, ["delivery-limit": .integer(Self.unlimited), "message-ttl": .integer(Self.queryLifetime)])
        for (name, milliseconds) in ladder.queues {
            limit(
                name, "^\(Self.escaped(name))$", Self.maximumCommands,
                ["message-ttl": .integer(milliseconds), "dead-letter-exchange": "", "dead-letter-strategy": "at-least-once"])
        }
    }

    private mutating func limit(_ name: String, _ pattern: String, _ length: Int, _ rest: [String: JSONValue]) {
        let bounds: [String: JSONValue] = ["max-length": .integer(length), "overflow": "reject-publish"]
        policies.append(Policy(virtualHost: Self.virtualHost, name: name, pattern: pattern, definition: bounds.merging(rest) { $1 }))
    }
}
