import JSON
import Messaging

// That every process that publishes has permission to.

extension Consistency {
    /// The rungs of the ladder are exchanges with a queue of the same name, whose policy makes messages expire and dead-letters them; there are no others.
    func retries(_ ladder: RetryLadder) -> [String] {
        let names = ladder.rungs.flatMap { rung in RetryLadder.siblings.map { "\(QueueNames.rungPrefix)\(rung).\($0)" } }
        var complaints: [String] = []
        for name in names {
            if !definitions.exchanges.contains(where: { $0.name == name }) { complaints.append("exchange \(name) is missing") }
            if destinations(of: "#", from: name) != [name] { complaints.append("exchange \(name) must lead to the queue \(name), by #") }
            guard let queue = definitions.queues.first(where: { $0.name == name }) else {
                complaints.append("queue \(name) is missing")
                continue
            }
            let policy = definitions.policies(for: queue).first?.definition ?? [:]
            if policy["message-ttl"] == nil || policy["dead-letter-exchange"] != "" {
                complaints.append("queue \(name) keeps its messages: its policy must set message-ttl, and dead-letter-exchange \"\"")
            }
        }
        let strangers = Set(definitions.exchanges.map(\.name) + definitions.queues.map(\.name))
            .filter { $0.hasPrefix(QueueNames.rungPrefix) && !names.contains($0) }
        return complaints + strangers.sorted().map { "\($0) is no rung of the retry ladder" }
    }

    /// Permissions admit every message that Wharf's processes send.
    func publishers() -> [String] {
        let offered = openAPI.sorted().filter { !definitions.mayPublish(Self.ingress, to: Exchange.requests, routingKey: $0) }
            .map { "user \(Self.ingress) may not publish \($0) to \(Exchange.requests)" }
        let users = definitions.users.map(\.name)
        let unheard = Set(requested).subtracting(openAPI).sorted().filter { operation in
            !users.contains { definitions.mayPublish($0, to: Exchange.requests, routingKey: operation) }
        }.map { "no user may publish \($0) to \(Exchange.requests)" }
        let aside = definitions.exchanges.map(\.name).filter { $0.hasPrefix(QueueNames.rungPrefix) || [Exchange.deadLetters, Exchange.waiting].contains($0) }
        let stuck = services.flatMap { service in
            service.queues.flatMap { queue in
                aside.filter { !definitions.mayPublish(service.name, to: $0, routingKey: queue) }
                    .map { "user \(service.name) may not publish \(queue) to \($0)" }
            }
        }
        return offered + unheard + stuck
    }
}
