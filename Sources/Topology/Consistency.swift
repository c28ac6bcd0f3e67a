import Messaging

extension Topology {
    /// Compares three things: the operations of openapi.yaml, where the definitions route them, and what the services register. Needs no broker.
    /// - Parameters:
    ///   - openAPI: the operation ids of openapi.yaml.
    ///   - internal: the operations that only Wharf's own processes request.
    /// - Returns: complaints, one line each; empty when everything is consistent.
    public static func consistency(
        openAPI: [String], internal: [String], definitions: Definitions, services: [ServiceDefinition]
    ) -> [String] {
        let consistency = Consistency(
            openAPI: openAPI, requested: openAPI + `internal`, definitions: definitions, services: services)
        return consistency.operations() + consistency.bindings() + consistency.registrations() + consistency.queues()
            + consistency.retries(RetryLadder.standard) + consistency.publishers()
    }
}

struct Consistency {
    static let ingress = "ingress"
    static let console = "console"
    static let monitoring = "monitoring"

    let openAPI: [String]
    /// All operations that are requested.
    let requested: [String]
    let definitions: Definitions
    let services: [ServiceDefinition]

    /// Each operation is routed to one queue, of the service that handles it.
    func operations() -> [String] {
        requested.sorted().flatMap { operation -> [String] in
            let queues = destinations(of: operation, from: Exchange.requests)
            let handlers = services.filter { $0.handles(operation) }
            var complaints: [String] = []
            if queues.isEmpty { complaints.append("operation \(operation) is bound to no queue") }
            if queues.count > 1 {
                complaints.append("operation \(operation) is bound to \(list(queues)): each of them would handle it")
            }
            if handlers.isEmpty { complaints.append("operation \(operation) is registered by no service") }
            if handlers.count > 1 { complaints.append("operation \(operation) is registered by \(list(handlers.map(\.name)))") }
            if let handler = handlers.first {
                for queue in queues where !handler.queues.contains(queue) {
                    complaints.append(
                        "operation \(operation) is bound to \(queue), but \(handler.name), which handles it, consumes \(list(handler.queues))")
                }
            }
            return complaints
        }
    }

    /// Each binding of requests and events delivers what the queue's service handles.
    func bindings() -> [String] {
        definitions.bindings.filter { $0.destinationType == "queue" && [Exchange.requests, Exchange.events].contains($0.source) }.compactMap { binding in
            guard let service = services.first(where: { $0.queues.contains(binding.destination) }) else {
                return "\(binding.title): no service consumes the queue"
            }
            return service.handles(binding.routingKey) ? nil : "\(binding.title): \(service.name) registers no such operation"
        }
    }

    /// Each registered operation is reached by a message, and is requested by a client or a process.
    func registrations() -> [String] {
        services.flatMap { service in
            service.operations.map(\.key).sorted().compactMap { operation -> String? in
                let byRequest = destinations(of: operation, from: Exchange.requests)
                let queues = byRequest + destinations(of: operation, from: Exchange.events)
                if !queues.contains(where: service.queues.contains) {
                    return "operation \(operation) of \(service.name) is bound to none of its queues"
                }
                if !byRequest.isEmpty, !requested.contains(operation) {
                    return "operation \(operation) of \(service.name) is neither in openapi.yaml nor listed as internal"
                }
                return nil
            }
        }
    }

    /// Each consumed queue exists, may be consumed, can be replayed to, and has one policy.
    func queues() -> [String] {
        let consumed = services.flatMap { service in
            service.queues.flatMap { name -> [String] in
                guard let queue = definitions.queues.first(where: { $0.name == name }) else {
                    return ["queue \(name) of \(service.name) is not in the definitions"]
                }
                var complaints: [String] = []
                if !definitions.mayConsume(service.name, from: name) {
                    complaints.append("user \(service.name) may not consume \(name): it takes read")
                }
                if name != Exchange.deadLetters, !destinations(of: name, from: Exchange.queues).contains(name) {
                    complaints.append("queue \(name) is not bound to the exchange \(Exchange.queues): its dead letters cannot be replayed")
                }
                if queue.type != "quorum" {
                    complaints.append("queue \(name) is \(queue.type): its operations would be lost with the node that holds it; it must be quorum")
                }
                return complaints
            }
        }
        return consumed
            + definitions.queues.compactMap { queue in
                let policies = definitions.policies(for: queue).map(\.name)
                if policies.isEmpty { return "queue \(queue.name) has no policy: it is unbounded" }
                return policies.count == 1 ? nil : "queue \(queue.name) has the policies \(list(policies)) of one priority: only one applies"
            }
    }

    func destinations(of routingKey: String, from exchange: String) -> [String] {
        definitions.destinations(of: routingKey, from: exchange)
    }

    func list(_ names: [String]) -> String {
        names.joined(separator: ", ")
    }
}

extension ServiceDefinition {
    fileprivate func handles(_ operation: String) -> Bool {
        operations.contains { $0.key == operation }
    }
}
