// The broker's own decisions, computed from the definitions by the broker's rules.

extension Definitions {
    /// The queues that receive a message with this routing key; considers bindings without wildcards.
    public func destinations(of routingKey: String, from exchange: String) -> [String] {
        bindings.filter { $0.source == exchange && $0.destinationType == "queue" && $0.routingKey == routingKey }.map(\.destination)
    }

    /// Whether `user` may publish to `exchange` with this routing key.
    func mayPublish(_ user: String, to exchange: String, routingKey: String) -> Bool {
        permissions.contains { $0.user == user && matches($0.write, exchange.isEmpty ? "amq.default" : exchange) }
            && topicPermissions.filter { $0.user == user && $0.exchange == exchange }
                .allSatisfy { matches($0.write, routingKey) }
    }

    func mayConsume(_ user: String, from queue: String) -> Bool {
        permissions.contains { $0.user == user && matches($0.read, queue) }
    }

    /// The matching policies of the highest priority; with more than one, which applies is undefined.
    func policies(for queue: Queue) -> [Policy] {
        let matching = policies.filter { $0.applies(to: queue) }
        let highest = matching.map(\.priority).max()
        return matching.filter { $0.priority == highest }
    }
}

extension Definitions.Policy {
    func applies(to queue: Definitions.Queue) -> Bool {
        let kinds = ["all", "queues", "\(queue.type)_queues", "\(queue.type)-queues"]
        return virtualHost == queue.virtualHost && kinds.contains(applyTo) && matches(pattern, queue.name)
    }
}

/// Matches as the broker does: anywhere in the text, and an empty pattern matches empty text only. An invalid regular expression matches nothing.
private func matches(_ pattern: String, _ text: String) -> Bool {
    guard !pattern.isEmpty else { return text.isEmpty }
    guard let expression = try? Regex(pattern) else { return false }
    return text.firstMatch(of: expression) != nil
}
