import FoundationEssentials
import Testing

@testable import JSON
@testable import Messaging
@testable import Topology

@Suite struct `The definitions file` {
    @Test func `the repository's file holds no password`() throws {
        #expect(try repositoryDefinitions().users.allSatisfy { $0.passwordHash.isEmpty && $0.tags == (["console", "monitoring"].contains($0.name) ? ["monitoring"] : []) })
    }

    @Test func `delays lie 20 percent around each rung`() throws {
        let policies = try repositoryDefinitions().policies
        let delays = ["1s": 1_000, "5s": 5_000, "30s": 30_000, "2m": 120_000, "10m": 600_000]
        for (rung, delay) in delays {
            let (a, b) = (policies.first { $0.name == "retry.\(rung).a" }, policies.first { $0.name == "retry.\(rung).b" })
            #expect(a?.definition["message-ttl"] == .integer(delay * 8 / 10))
            #expect(b?.definition["message-ttl"] == .integer(delay * 12 / 10))
        }
    }

    @Test func `only the dead-letter service may write to another's queue`() throws {
        let definitions = try repositoryDefinitions()
        let writers = definitions.users.map(\.name).filter {
            definitions.mayPublish($0, to: "queues", routingKey: "payments.commands")
                || definitions.mayPublish($0, to: "", routingKey: "payments.commands")
        }
        #expect(writers == ["deadletters"])
    }

    @Test func `each topic exchange that a user may write has a topic permission`() throws {
        let definitions = try repositoryDefinitions()
        for user in definitions.users.map(\.name) {
            for exchange in definitions.exchanges.map(\.name) {
                #expect(!definitions.mayPublish(user, to: exchange, routingKey: "any.thing.else"), "\(user) to \(exchange)")
            }
        }
    }

    /// Without it, the loss of a node could remove a shared word of those keys from another node's routing table: replies and events would be lost while every binding is listed.
    @Test func `each key that the queues of a connection bind has a permanent binding`() throws {
        let definitions = try repositoryDefinitions()
        #expect(definitions.exchanges.contains { $0.name == "anchor" && $0.internal && $0.durable && !$0.autoDelete })
        #expect(!definitions.bindings.contains { $0.source == "anchor" }, "what reaches it goes no further")
        let anchored = definitions.bindings.filter { $0.destination == "anchor" && $0.destinationType == "exchange" }
        // A user may bind to what the pattern says: `^replies\\.users\\.` or `^(product\\.changed|stock\\.low)$`.
        for permission in definitions.topicPermissions where permission.read != "^$" {
            let keys = permission.read.filter { !"^()$\\".contains($0) }.split(separator: "|").map { $0.hasSuffix(".") ? $0.dropLast() : $0 }
            #expect(!keys.isEmpty)
            for key in keys {
                #expect(anchored.contains { $0.source == permission.exchange && $0.routingKey == key }, "\(permission.exchange) \(key)")
            }
        }
    }

    @Test func `definitions written by another version are read, with RabbitMQ's defaults for omitted fields`() throws {
        let definitions = try Definitions(
            json: Array(
                #"""
                {"rabbitmq_version": "4.3.0", "users": [{"name": "a", "tags": ["x", "y"], "limits": {}}, {"name": "b", "tags": "x,y"}],
                 "queues": [{"name": "q", "vhost": "/", "type": "classic", "arguments": {"x-max-length": 5, "x-deep": [{"a": null}, 1.5, true]}}],
                 "policies": [{"vhost": "/", "name": "p", "pattern": "", "definition": {}}]}
                """#.utf8))
        #expect(definitions.users.map(\.tags) == [["x", "y"], ["x", "y"]])
        #expect(definitions.queues.first?.type == "classic")
        #expect(definitions.queues.first?.durable == true)
        #expect(definitions.policies.first?.applyTo == "all")
        #expect(definitions.bindings.isEmpty)
        #expect(try Definitions(json: JSON.encode(definitions)) == definitions)
    }

    @Test(arguments: [
        ("{", "not in RabbitMQ's format"), (#"{"queues": [{"vhost": "/"}]}"#, #"queues.[0] has no "name""#),
        (#"{"queues": 5}"#, "queues"),
    ])
    func `a file in another format is rejected with the place`(text: String, reason: String) {
        let error = #expect(throws: TopologyError.self) { try Definitions(json: Array(text.utf8)) }
        #expect(error?.code == .unreadable)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `a missing file is named`() {
        let error = #expect(throws: TopologyError.self) { try Definitions(contentsOf: "/nowhere/definitions.json") }
        #expect(error?.message.contains("/nowhere/definitions.json") == true)
    }

    /// The salt and hash of RabbitMQ's own documentation ("Passwords", "Computing Password Hash").
    @Test func `passwords are hashed as RabbitMQ does`() {
        let salt: [UInt8] = [0x90, 0x8D, 0xC6, 0x0A]
        #expect(BrokerPassword.hash("test12", salt: salt) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR")
    }

    @Test func `a password can be checked by its hash only`() throws {
        let user = Definitions.User(name: "carts", passwordHash: try BrokerPassword.hash("secret"))
        #expect(BrokerPassword.matches("secret", user))
        #expect(!BrokerPassword.matches("Secret", user))
        #expect(!BrokerPassword.matches("", Definitions.User(name: "carts")))
        #expect(try BrokerPassword.hash("secret") != BrokerPassword.hash("secret"))
    }
}
