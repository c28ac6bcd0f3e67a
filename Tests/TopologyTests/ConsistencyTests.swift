import JSON
import Messaging
import Testing
import Topology

@Suite struct `Consistency of openapi.yaml, definitions and services` {
    private func complaints(
        openAPI: [String] = offeredOperations, services given: [ServiceDefinition] = services(),
        changing change: (inout Definitions) -> Void = { _ in }
    ) throws -> [String] {
        var definitions = try repositoryDefinitions()
        change(&definitions)
        return Topology.consistency(openAPI: openAPI, internal: internalOperations, definitions: definitions, services: given)
    }

    @Test func `the repository's definitions are consistent`() throws {
        #expect(try complaints() == [])
    }

    @Test func `an operation that leads nowhere is reported`() throws {
        let found = try complaints { $0.bindings.removeAll { $0.routingKey == "carts.carts.get" } }
        #expect(
            found == [
                "operation carts.carts.get is bound to no queue", "operation carts.carts.get of carts is bound to none of its queues",
            ])
    }

    @Test func `an operation without a handler is reported, as is its binding`() throws {
        let found = try complaints(services: services { $0["carts"]?.removeAll { $0 == "carts.carts.get" } })
        #expect(
            found == [
                "operation carts.carts.get is registered by no service",
                "binding requests --carts.carts.get--> queue carts.queries: carts registers no such operation",
            ])
    }

    @Test func `an operation in another service's queue is reported`() throws {
        let found = try complaints { definitions in
            for index in definitions.bindings.indices where definitions.bindings[index].routingKey == "carts.carts.get" {
                definitions.bindings[index].destination = "orders.queries"
            }
        }
        #expect(found.contains("operation carts.carts.get is bound to orders.queries, but carts, which handles it, consumes carts.queries, carts.commands"))
    }

    @Test func `an operation in two queues is reported`() throws {
        let found = try complaints {
            $0.bindings.append(.init(virtualHost: "/", source: "requests", destination: "carts.commands", routingKey: "carts.carts.get"))
        }
        #expect(found == ["operation carts.carts.get is bound to carts.queries, carts.commands: each of them would handle it"])
    }

    @Test func `an operation that is registered twice is reported`() throws {
        let found = try complaints(services: services { $0["orders"]?.append("carts.carts.get") })
        #expect(found.contains("operation carts.carts.get is registered by carts, orders"))
    }

    @Test func `a registered operation without a sender is reported`() throws {
        let found = try complaints(openAPI: offeredOperations.filter { $0 != "carts.carts.get" })
        #expect(found == ["operation carts.carts.get of carts is neither in openapi.yaml nor listed as internal"])
    }

    @Test func `a missing rung, and one that the ladder does not know, are reported`() throws {
        let found = try complaints { definitions in
            for index in definitions.exchanges.indices where definitions.exchanges[index].name == "retry.30s.a" {
                definitions.exchanges[index].name = "retry.40s.a"
            }
        }
        #expect(found.contains("exchange retry.30s.a is missing"))
        #expect(found.contains("retry.40s.a is no rung of the retry ladder"))
    }

    @Test func `a rung that keeps its messages is reported`() throws {
        let found = try complaints { $0.policies.removeAll { $0.name == "retry.5s.b" } }
        #expect(
            found == [
                "queue retry.5s.b has no policy: it is unbounded",
                "queue retry.5s.b keeps its messages: its policy must set message-ttl, and dead-letter-exchange \"\"",
            ])
    }

    @Test func `two policies of one priority over one queue are reported`() throws {
        let found = try complaints {
            $0.policies.append(.init(virtualHost: "/", name: "mine", pattern: "^carts", definition: ["max-length": 5]))
        }
        #expect(found.contains("queue carts.commands has the policies commands, mine of one priority: only one applies"))
    }

    @Test func `a message that its sender may not publish is reported`() throws {
        let found = try complaints { $0.permissions.removeAll { $0.user == "ingress" } }
        #expect(found.count { $0.hasPrefix("user ingress may not publish") } == offeredOperations.count)
        let unsent = try complaints { $0.permissions.removeAll { $0.user == "orders" } }
        #expect(unsent.contains("no user may publish catalog.stock.reserve to requests"))
        #expect(unsent.contains("user orders may not publish orders.commands to retry.1s.a"))
        #expect(unsent.contains("user orders may not consume orders.commands: it takes read"))
    }

    @Test func `a queue on a single node is reported`() throws {
        let found = try complaints { definitions in
            for index in definitions.queues.indices where definitions.queues[index].name == "users.credentials" {
                definitions.queues[index].arguments["x-queue-type"] = "classic"
            }
        }
        #expect(found == ["queue users.credentials is classic: its operations would be lost with the node that holds it; it must be quorum"])
    }

    @Test func `a queue without a replay route is reported`() throws {
        let found = try complaints { $0.bindings.removeAll { $0.source == "queues" && $0.destination == "carts.commands" } }
        #expect(found == ["queue carts.commands is not bound to the exchange queues: its dead letters cannot be replayed"])
    }
}
