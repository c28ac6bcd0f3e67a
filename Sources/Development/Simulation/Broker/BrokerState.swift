import AMQP
import Messaging
import Topology

/// The contents of the model broker, and how each event changes them. No I/O: the owner of this state hands out the deliveries.
struct BrokerState: Sendable {
    struct ConsumerState: Sendable {
        var queue: String
        let prefetch: Int
        let noAck: Bool
        /// 0 while there is no connection; no two connections have the same.
        var generation: UInt64 = 0
        var lastTag: UInt64 = 0
        var unacknowledged: [(number: UInt64, message: StoredMessage)] = []
        /// Acknowledged by the process, and not yet written to the broker.
        var acknowledged: [DeliveryTag] = []
        /// Delivered, and not yet handed out.
        var gathered: [Delivery] = []
        var isStopped = false

        var hasCredit: Bool { generation != 0 && !isStopped && (noAck || unacknowledged.count < prefetch) }
    }

    enum Death: String {
        case expired, rejected
        case deliveryLimit = "delivery_limit"
    }

    private(set) var queues: [String: ModelQueue] = [:]
    private var exchanges: Set<String> = []
    private var bindings: [String: [(pattern: TopicPattern, queue: String)]] = [:]
    var consumers: [Int: ConsumerState] = [:]
    private var lastGeneration: UInt64 = 0
    private var lastExclusive = 0
    /// Queues that received messages or room, whose consumers must be checked.
    var touched: Set<String> = []
    /// Queues that hold messages which expire, and when.
    var expiries: [(queue: String, after: Duration)] = []
    /// Queues whose dead letters were refused by their target.
    private var retrying: Set<String> = []

    private static let deadLetterPause: Duration = .seconds(1)

    init(_ definitions: Definitions) throws {
        exchanges = Set(definitions.exchanges.map(\.name))
        let policies = definitions.policies.sorted { $0.priority > $1.priority }
        for queue in definitions.queues {
            let policy = try policies.first { try Regex($0.pattern).firstMatch(in: queue.name) != nil }
            queues[queue.name] = ModelQueue(
                name: queue.name, isQuorum: queue.type == "quorum", isExclusive: false, limits: QueueLimits(policy))
        }
        for binding in definitions.bindings where binding.destinationType == "queue" {
            bind(binding.destination, to: binding.source, key: binding.routingKey)
        }
    }

    private mutating func bind(_ queue: String, to exchange: String, key: String) {
        bindings[exchange, default: []].append((TopicPattern(key), queue))
    }

    mutating func setRefusing(_ queue: String, _ refuses: Bool) {
        queues[queue]?.refuses = refuses
    }

    // MARK: In

    func route(_ exchange: String, _ key: String) -> [String] {
        if exchange.isEmpty { return queues[key] == nil ? [] : [key] }
        var found: [String] = []
        for binding in bindings[exchange] ?? [] where binding.pattern.matches(key) && !found.contains(binding.queue) {
            found.append(binding.queue)
        }
        return found
    }

    mutating func accept(_ publication: Publication, at now: Int64) -> PublishOutcome {
        guard publication.exchange.isEmpty || exchanges.contains(publication.exchange) else {
            return .failed(AMQPError(.closedByBroker, "no exchange '\(publication.exchange)'", isTransient: false))
        }
        let targets = route(publication.exchange, publication.routingKey)
        if targets.isEmpty { return publication.mandatory ? .returned(code: 312, reason: "NO_ROUTE") : .confirmed }
        // A queue that refuses does not keep the others from accepting the message.
        var outcome = PublishOutcome.confirmed
        for target in targets where !append(StoredMessage(publication: publication), to: target, at: now) { outcome = .refused }
        return outcome
    }

    private mutating func append(_ message: StoredMessage, to name: String, at now: Int64) -> Bool {
        guard var queue = queues[name], !queue.isFull else { return false }
        var message = message
        let own = message.publication.properties.expiration.map { Duration.milliseconds($0) }
        if let timeToLive = [own, queue.limits.messageTTL].compactMap(\.self).min() {
            message.expiresAt = now + timeToLive.microseconds
            expiries.append((name, timeToLive))
        }
        queue.append(message)
        queues[name] = queue
        touched.insert(name)
        return true
    }

    // MARK: Out

    /// Moves deliverable messages to the consumers of `name`; `choose` picks the next of those with credit.
    mutating func deliver(from name: String, choose: (Int) -> Int) -> [Int] {
        var served: [Int] = []
        while let queue = queues[name], !queue.messages.isEmpty {
            let ready = consumers.keys.sorted().filter { consumers[$0]?.queue == name && consumers[$0]?.hasCredit == true }
            guard !ready.isEmpty else { break }
            let id = ready[choose(ready.count)]
            guard var message = queues[name]?.messages.removeFirst(), var consumer = consumers[id] else { break }
            consumer.lastTag += 1
            consumer.gathered.append(delivery(message, tag: consumer.lastTag, of: consumer, quorum: queue.isQuorum))
            message.redelivered = true
            if !consumer.noAck { consumer.unacknowledged.append((consumer.lastTag, message)) }
            consumers[id] = consumer
            if !served.contains(id) { served.append(id) }
        }
        return served
    }

    private func delivery(_ message: StoredMessage, tag: UInt64, of consumer: ConsumerState, quorum: Bool) -> Delivery {
        var properties = message.publication.properties
        if quorum, message.deliveryCount > 0 { properties.headers["x-delivery-count"] = .integer(Int64(message.deliveryCount)) }
        return Delivery(
            tag: DeliveryTag(generation: consumer.generation, number: tag), exchange: message.publication.exchange,
            routingKey: message.publication.routingKey, redelivered: message.redelivered, properties: properties,
            body: message.publication.body)
    }

    // MARK: Settlement

    /// Removes these from the unacknowledged; tags of other connections and unknown ones are ignored.
    private mutating func take(_ tags: [DeliveryTag], from id: Int) -> [StoredMessage] {
        guard var consumer = consumers[id] else { return [] }
        let numbers = Set(tags.filter { $0.generation == consumer.generation }.map(\.number))
        let taken = consumer.unacknowledged.filter { numbers.contains($0.number) }
        consumer.unacknowledged.removeAll { numbers.contains($0.number) }
        consumers[id] = consumer
        touched.insert(consumer.queue)
        return taken.map(\.message)
    }

    /// Returns how many were removed.
    mutating func acknowledge(_ tags: [DeliveryTag], by id: Int) -> Int {
        take(tags, from: id).count
    }

    mutating func giveBack(_ tags: [DeliveryTag], by id: Int, requeue: Bool, at now: Int64) {
        guard let queue = consumers[id]?.queue else { return }
        let messages = take(tags, from: id)
        if requeue { putBack(messages, to: queue, at: now) } else { bury(messages, of: queue, .rejected, at: now) }
    }

    /// Back to the head, with one more delivery counted; past the limit it is dead-lettered.
    private mutating func putBack(_ messages: [StoredMessage], to name: String, at now: Int64) {
        guard var queue = queues[name] else { return }
        var dead: [StoredMessage] = []
        var alive: [StoredMessage] = []
        for var message in messages {
            message.deliveryCount += 1
            if queue.isQuorum, let limit = queue.limits.deliveryLimit, message.deliveryCount > limit {
                dead.append(message)
            } else {
                alive.append(message)
            }
        }
        queue.messages = alive + queue.messages
        queues[name] = queue
        touched.insert(name)
        if !alive.isEmpty { expiries += alive.compactMap(\.expiresAt).map { (name, .microseconds(max(0, $0 - now))) } }
        bury(dead, of: name, .deliveryLimit, at: now)
    }

    // MARK: Death

    private mutating func bury(_ messages: [StoredMessage], of name: String, _ death: Death, at now: Int64) {
        guard let limits = queues[name]?.limits, let exchange = limits.deadLetterExchange else { return }
        var kept: [StoredMessage] = []
        for message in messages {
            var publication = message.publication
            publication.exchange = exchange
            publication.properties.expiration = nil
            publication.properties.headers["x-first-death-queue"] = .string(name)
            publication.properties.headers["x-first-death-reason"] = .string(death.rawValue)
            publication.mandatory = false
            let outcome = accept(publication, at: now)
            if outcome != .confirmed, limits.keepsDeadLetters { kept.append(message) }
        }
        // Where the target refuses, the message stays and is tried again.
        guard !kept.isEmpty else { return }
        queues[name]?.messages.insert(contentsOf: kept, at: 0)
        if retrying.insert(name).inserted { expiries.append((name, Self.deadLetterPause)) }
    }

    mutating func expire(_ name: String, at now: Int64) {
        retrying.remove(name)
        guard let expired = queues[name]?.takeExpired(at: now), !expired.isEmpty else { return }
        bury(expired, of: name, .expired, at: now)
    }

    // MARK: Connections

    /// Connects a consumer; without a queue it gets an exclusive one, bound to `exchanges` by its own name.
    mutating func connect(_ id: Int, exclusiveIn exchanges: [String]? = nil) {
        guard var consumer = consumers[id], consumer.generation == 0 else { return }
        lastGeneration += 1
        consumer.generation = lastGeneration
        if let exchanges {
            lastExclusive += 1
            consumer.queue = "amq.gen-\(lastExclusive)"
            queues[consumer.queue] = ModelQueue(name: consumer.queue, isQuorum: false, isExclusive: true, limits: QueueLimits(nil))
            for exchange in exchanges { bind(consumer.queue, to: exchange, key: consumer.queue) }
        }
        consumers[id] = consumer
        touched.insert(consumer.queue)
    }

    /// Unsettled deliveries go back to the queue, in the order in which they were delivered.
    mutating func disconnect(_ id: Int, at now: Int64) {
        guard var consumer = consumers[id], consumer.generation != 0 else { return }
        let messages = consumer.unacknowledged.map(\.message)
        consumer.generation = 0
        consumer.unacknowledged = []
        consumer.gathered = []
        consumers[id] = consumer
        if queues[consumer.queue]?.isExclusive == true {
            queues[consumer.queue] = nil
            for exchange in bindings.keys { bindings[exchange]?.removeAll { $0.queue == consumer.queue } }
        } else {
            putBack(messages, to: consumer.queue, at: now)
        }
    }

    /// A restart keeps persistent messages.
    mutating func forgetTransient() {
        for name in queues.keys { queues[name]?.messages.removeAll { !$0.publication.properties.persistent } }
    }
}

extension Duration {
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
