import AMQP
import LocalServers
import Messaging
import TestKit
import Testing
import Topology

extension BrokerTests {
    @Suite struct `Applying and checking the topology` {
        @Test func `an applied topology has no drift, and applying it again changes nothing`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            #expect(try await Topology.check(definitions, via: broker.management) == [])
            #expect(try await Topology.apply(definitions, passwords: Broker.passwords, via: broker.management) == [])
        }

        @Test func `missing objects are reported and restored`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            try await broker.server.management.send("DELETE", "/api/queues/%2F/carts.queries")
            try await broker.server.management.send("DELETE", "/api/policies/%2F/queries")
            try await broker.server.management.send("DELETE", "/api/permissions/%2F/carts")
            let drift = try await Topology.check(definitions, via: broker.management).map(\.description)
            #expect(
                drift == [
                    "missing: permission of carts", "missing: queue carts.queries",
                    "missing: binding queues --carts.queries--> queue carts.queries",
                    "missing: binding requests --carts.carts.current--> queue carts.queries",
                    "missing: binding requests --carts.carts.get--> queue carts.queries",
                    "missing: binding requests --carts.customers.export--> queue carts.queries",
                    "missing: binding requests --carts.inbox.find--> queue carts.queries",
                    "missing: policy queries",
                ])
            let changes = try await Topology.apply(definitions, via: broker.management)
            #expect(changes.map(\.description) == drift)
            #expect(try await Topology.check(definitions, via: broker.management) == [])
        }

        @Test func `differences are reported value by value and corrected`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            try await broker.server.management.send(
                "PUT", "/api/policies/%2F/queries",
                body: #"{"pattern": "^[a-z]+\\.(credentials|queries|registrations)$", "apply-to": "queues", "definition": {"max-length": 5, "expires": 600000}}"#)
            #expect(
                try await Topology.check(definitions, via: broker.management).map(\.description) == [
                    #"different: policy queries: delivery-limit is not set, it should be 1000000000; expires is 600000, it should not be set; max-length is 5, not 1000; message-ttl is not set, it should be 60000; overflow is not set, it should be "reject-publish""#
                ])
            #expect(try await Topology.apply(definitions, via: broker.management).count == 1)
            #expect(try await Topology.check(definitions, via: broker.management) == [])
        }

        @Test func `extra objects are reported only among Wharf's own, and kept`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            let management = broker.server.management
            try await management.send("PUT", "/api/queues/%2F/carts.old", body: #"{"durable": true}"#)
            try await management.send("PUT", "/api/queues/%2F/somebody.elses", body: #"{"durable": true}"#)
            try await management.send("POST", "/api/bindings/%2F/e/events/q/somebody.elses", body: #"{"routing_key": "order.#"}"#)
            try await management.send("PUT", "/api/policies/%2F/greedy", body: #"{"pattern": "^carts", "priority": 9, "definition": {"max-length": 1}}"#)
            try await management.send("PUT", "/api/policies/%2F/theirs", body: #"{"pattern": "^somebody", "definition": {"max-length": 1}}"#)
            try await Topology.apply(definitions, via: broker.management)
            #expect(
                try await Topology.check(definitions, via: broker.management).map(\.description) == [
                    "extra: queue carts.old", "extra: binding events --order.#--> queue somebody.elses",
                    "extra: policy greedy: matches carts.commands, carts.queries",
                ])
            for path in ["queues/%2F/carts.old", "queues/%2F/somebody.elses", "policies/%2F/greedy", "policies/%2F/theirs"] {
                try await management.send("DELETE", "/api/\(path)")
            }
        }

        @Test func `an exchange that cannot be changed is named and nothing is applied`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            let management = broker.server.management
            try await management.send("DELETE", "/api/exchanges/%2F/retry.2m.a")
            try await management.send("PUT", "/api/exchanges/%2F/retry.2m.a", body: #"{"type": "fanout", "durable": true}"#)
            try await management.send("DELETE", "/api/policies/%2F/queries")
            let error = await #expect(throws: TopologyError.self) { try await Topology.apply(definitions, via: broker.management) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains(#"exchange retry.2m.a: type is "fanout", not "topic""#) == true)
            #expect(try await Topology.check(definitions, via: broker.management).contains { $0.object == "policy queries" })
            try await management.send("DELETE", "/api/exchanges/%2F/retry.2m.a")
        }

        @Test func `an empty queue of another type is recreated with its bindings, and its consumer comes back`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            try await broker.make("users.registrations", "classic", like: definitions)
            let consumer = Consumer(configuration: try broker.connection(as: "users"), source: .queue("users.registrations"), prefetch: 1, logger: quiet)
            try await running(consumer) {
                try await eventually { consumer.isConnected }
                let changes = try await Topology.apply(definitions, via: broker.management)
                #expect(changes.map(\.description) == [#"different: queue users.registrations: x-queue-type is "classic", not "quorum""#])
                #expect(try await Topology.check(definitions, via: broker.management) == [])
                #expect(try await broker.publish(as: "ingress", to: "requests", "users.accounts.create") == .confirmed)
                #expect(try await consumer.next(limit: 1).count == 1)
            }
        }

        @Test func `a queue of another type that holds a message is named, and keeps it`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            try await broker.make("users.registrations", "classic", like: definitions)
            #expect(try await broker.publish(as: "ingress", to: "requests", "users.accounts.create") == .confirmed)
            let error = await #expect(throws: TopologyError.self) { try await Topology.apply(definitions, via: broker.management) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains(#"queue users.registrations: x-queue-type is "classic", not "quorum""#) == true)
            let consumer = Consumer(configuration: try broker.connection(as: "users"), source: .queue("users.registrations"), prefetch: 1, logger: quiet)
            try await running(consumer) {
                await consumer.acknowledge(try await consumer.next(limit: 1).map(\.tag))
                try await eventually { (try? await Topology.apply(definitions, via: broker.management)) != nil }
            }
        }

        @Test func `queues of queries are classic on a single node, and of either type without drift`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            func type() async throws -> String? {
                try await broker.server.management.send("GET", "/api/queues/%2F/carts.queries?columns=type").firstMatch(of: /classic|quorum/).map { String($0.0) }
            }
            #expect(try await type() == "classic")
            try await broker.make("carts.queries", "quorum", like: definitions)
            #expect(try await Topology.check(definitions, via: broker.management) == [])
            #expect(try await Topology.apply(definitions, via: broker.management) == [])
            #expect(try await type() == "quorum")
            try await broker.make("carts.queries", "classic", like: definitions)
        }

        @Test func `a healthy broker's queues have no troubles`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            try await eventually { try await Topology.troubles(of: definitions, via: broker.management) == [] }
        }

        @Test func `a given password is set, and otherwise the old one is kept`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            let changes = try await Topology.apply(definitions, passwords: ["carts": "another"], via: broker.management)
            #expect(changes.map(\.description) == ["different: user carts: password"])
            #expect(try await broker.publish(as: "ingress", to: "requests", "carts.carts.create") == .confirmed)
            let refused = await #expect(throws: AMQPError.self) {
                try await Publisher(configuration: broker.connection(as: "carts"), logger: quiet).run()
            }
            #expect(refused?.code == .accessRefused)
        }

        @Test func `a corrected user keeps its password`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            let user = try await broker.server.management.send("GET", "/api/users/ingress")
            let hash = try #require(user.firstMatch(of: /"password_hash":"([^"]+)"/)?.1)
            try await broker.server.management.send(
                "PUT", "/api/users/ingress", body: #"{"password_hash": "\#(hash)", "tags": "monitoring"}"#)
            let changes = try await Topology.apply(definitions, via: broker.management)
            #expect(changes.map(\.description) == [#"different: user ingress: tags is ["monitoring"], not []"#])
            #expect(try await broker.publish(as: "ingress", to: "requests", "carts.carts.create") == .confirmed)
        }

        @Test func `a password for an unknown user is rejected`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            let error = await #expect(throws: TopologyError.self) {
                try await Topology.apply(definitions, passwords: ["cart": "x"], via: broker.management)
            }
            #expect(error?.code == .unknownUser)
        }

        @Test func `a refusal by the management API is reported with its status`() async throws {
            let refusing = BrokerManagement { _, _, _ in (401, Array("no".utf8)) }
            let error = await #expect(throws: TopologyError.self) { try await Topology.check(Definitions(), via: refusing) }
            #expect(error?.message == "RabbitMQ answered 401 to GET /api/definitions: no A user with the tag administrator is required.")
        }
    }
}
