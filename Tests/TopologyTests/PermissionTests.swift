import AMQP
import JSON
import LocalServers
import Messaging
import TestKit
import Testing
import Topology

extension BrokerTests {
    @Suite struct `Permissions` {
        @Test(arguments: [
            ("ingress", "requests", "catalog.products.get"), ("ingress", "requests", "orders.orders.wait"),
            ("carts", "requests", "orders.checkouts.place"), ("orders", "requests", "catalog.stock.reserve"),
            ("catalog", "requests", "payments.charge"), ("payments", "requests", "catalog.stock.sell"),
            ("payments", "requests", "orders.checkouts.advance"), ("orders", "events", "order.confirmed"),
            ("catalog", "retry.10m.b", "catalog.commands"), ("catalog", "dead-letters", "catalog.queries"),
            ("deadletters", "queues", "payments.commands"), ("deadletters", "retry.30s.a", "dead-letters"),
            ("deadletters", "requests", "payments.inbox.find"), ("deadletters", "queues", "deadletters.jobs"),
            ("users", "requests", "notifications.accounts.mail"), ("users", "requests", "orders.customers.erase"), ("carts", "requests", "users.erasures.advance"),
            ("catalog", "requests", "catalog.imports.advance"),
            ("console", "requests", "deadletters.jobs.start"), ("console", "requests", "users.sessions.resolve"), ("notifications", "requests", "users.links.arm"),
        ])
        func `each user may publish what its work needs`(user: String, exchange: String, routingKey: String) async throws {
            let (broker, _) = try await Broker.withTopology()
            #expect(try await broker.publish(as: user, to: exchange, routingKey) == .confirmed)
        }

        @Test(arguments: [
            ("ingress", "requests", "payments.charge"), ("ingress", "", "payments.commands"),
            ("ingress", "events", "order.confirmed"), ("ingress", "replies", "replies.carts.another"),
            ("orders", "replies", "replies.carts.another"), ("carts", "replies", "replies.carts.another"), ("payments", "replies", "replies.notifications.another"),
            ("catalog", "requests", "payments.void"), ("payments", "requests", "catalog.stock.release"), ("users", "events", "order.confirmed"), ("users", "requests", "payments.charge"),
            ("notifications", "requests", "users.passwordResets.prepare"), ("ingress", "requests", "users.links.arm"), ("users", "replies", "replies.carts.another"),
            ("catalog", "requests", "orders.customers.erase"), ("catalog", "requests", "payments.methods.find"), ("carts", "requests", "payments.methods.detach"),
            ("catalog", "retry.1s.a", "payments.commands"), ("catalog", "dead-letters", "payments.commands"),
            ("catalog", "queues", "payments.commands"), ("deadletters", "requests", "payments.charge"),
            ("carts", "requests", "payments.inbox.find"), ("console", "requests", "carts.checkouts.create"), ("console", "requests", "payments.charge"),
            ("console", "queues", "payments.commands"), ("console", "replies", "replies.ingress.another"), ("catalog", "replies", "replies.console.another"),
        ])
        func `a compromised user has access to nothing else`(user: String, exchange: String, routingKey: String) async throws {
            let (broker, _) = try await Broker.withTopology()
            let outcome = try await broker.publish(as: user, to: exchange, routingKey)
            #expect(outcome.isDenied, "\(outcome)")
        }

        @Test func `a service consumes its own queues only`() async throws {
            let (broker, _) = try await Broker.withTopology()
            let own = Consumer(configuration: try broker.connection(as: "catalog"), source: .queue("catalog.queries"), prefetch: 1, logger: quiet)
            try await running(own) { try await eventually { own.isConnected } }
            let other = Consumer(configuration: try broker.connection(as: "catalog"), source: .queue("orders.commands"), prefetch: 1, logger: quiet)
            let error = await #expect(throws: AMQPError.self) { try await other.run() }
            #expect(error?.code == .accessRefused)
        }

        @Test func `the ingress receives revoked sessions and no other events`() async throws {
            let (broker, _) = try await Broker.withTopology()
            let configuration = try broker.connection(as: "ingress")
            let sessions = Consumer(
                configuration: configuration, source: .exclusive(prefix: "events.ingress.", bindings: [("events", "session.revoked")]), prefetch: 1, logger: quiet)
            try await running(sessions) {
                try await eventually { sessions.isConnected }
                #expect(try await broker.publish(as: "users", to: "events", "session.revoked") == .confirmed)
                #expect(try await sessions.next(limit: 1).first?.routingKey == "session.revoked")
            }
            for routingKey in ["order.confirmed", "#", "session.*"] {
                let error = try await broker.refusal(as: "ingress", .exclusive(prefix: "events.ingress.", bindings: [("events", routingKey)]))
                #expect(error?.code == .accessRefused, "\(routingKey)")
            }
        }

        @Test(arguments: [
            ("ingress", "catalog"), ("ingress", "users"), ("ingress", "orders"), ("carts", "catalog"), ("notifications", "users"), ("users", "carts"), ("users", "orders"), ("users", "notifications"),
            ("users", "payments"), ("carts", "payments"),
            ("orders", "catalog"), ("orders", "payments"), ("notifications", "orders"), ("console", "users"), ("console", "deadletters"), ("console", "orders"),
        ])
        func `whoever asks is answered on a queue of its own`(user: String, answers: String) async throws {
            let (broker, _) = try await Broker.withTopology()
            let replies = try broker.replies(of: user)
            try await running(replies) {
                try await eventually { replies.replyAddress != nil && replies.isConnected }
                let address = try #require(replies.replyAddress)
                #expect(address.hasPrefix("replies.\(user)."))
                #expect(try await broker.publish(as: answers, to: "replies", address) == .confirmed)
                #expect(try await replies.next(limit: 1).first?.routingKey == address)
            }
        }

        /// A reply to a sign-in holds the session's token, and the address that it goes to stands in each request.
        @Test(arguments: Broker.passwords.keys.sorted(), ["ingress", "carts", "console", "notifications", "orders", "users"])
        func `nobody reads replies that are another's`(user: String, owner: String) async throws {
            let (broker, _) = try await Broker.withTopology()
            guard user != owner else { return }
            let replies = try broker.replies(of: owner)
            try await running(replies) {
                try await eventually { replies.replyAddress != nil && replies.isConnected }
                let address = try #require(replies.replyAddress)
                // Bound to a queue that the user may declare, if there is any; under the name of the other's; consumed from the other's queue itself.
                let bindings = [address, "#", "replies.#", "replies.\(owner).#", "replies.*.*", "*.\(owner).*"]
                var sources = bindings.flatMap { key in
                    ["replies.\(user).", "events.\(user).", nil].map { Consumer.Source.exclusive(prefix: $0, bindings: [("replies", key)]) }
                }
                sources += ["replies.\(owner).", "events.\(owner).", nil].map { .exclusive(prefix: $0, bindings: [("replies", nil)]) }
                sources.append(.queue(address))
                for source in sources {
                    #expect(try await broker.refusal(as: user, source)?.code == .accessRefused, "\(source)")
                }
            }
        }

        @Test(arguments: Broker.passwords.keys.filter { $0 != "ingress" }.sorted())
        func `services receive events only through the bindings of the definitions`(user: String) async throws {
            let (broker, _) = try await Broker.withTopology()
            for prefix in ["replies.\(user).", "events.\(user).", nil] {
                let error = try await broker.refusal(as: user, .exclusive(prefix: prefix, bindings: [("events", "session.revoked")]))
                #expect(error?.code == .accessRefused)
            }
        }

        /// A user that may redeclare its queue may let it dead-letter to an exchange under any routing key: the broker checks no topic permission then.
        @Test func `no user may configure a queue except its own reply queues`() throws {
            for permission in try repositoryDefinitions().permissions {
                let expected =
                    [
                        "carts": #"^replies\.carts\."#, "deadletters": #"^replies\.deadletters\."#, "notifications": #"^replies\.notifications\."#, "orders": #"^replies\.orders\."#,
                        "users": #"^replies\.users\."#, "console": #"^replies\.console\."#,
                        "ingress": #"^(replies|events)\.ingress\."#,
                    ][permission.user] ?? "^$"
                #expect(permission.configure == expected, "\(permission.user)")
            }
        }

        @Test func `the monitoring user reads statistics and can do nothing else`() async throws {
            let (broker, _) = try await Broker.withTopology()
            #expect(try await broker.refusal(as: "monitoring", .queue("catalog.queries"))?.code == .accessRefused)
            #expect(try await broker.publish(as: "monitoring", to: "requests", "catalog.products.get").isDenied)
            let management = broker.server.management.user("monitoring", password: Broker.passwords["monitoring", default: ""])
            #expect(try await management.send("GET", "/api/queues?columns=name").contains("catalog.queries"))
            // The request that KEDA sends.
            #expect(try await management.send("GET", "/api/queues/%2F/catalog.queries").contains("catalog.queries"))
            for (method, path) in [("DELETE", "/api/queues/%2F/catalog.queries/contents"), ("PUT", "/api/queues/%2F/another"), ("GET", "/api/definitions"), ("GET", "/api/users")] {
                await #expect(throws: LocalServerError.self, "\(method) \(path)") { try await management.send(method, path, body: method == "PUT" ? "{}" : nil) }
            }
        }

        @Test func `a message on the ladder comes back to its queue of origin`() async throws {
            let (broker, _) = try await Broker.withTopology()
            let consumer = Consumer(configuration: try broker.connection(as: "notifications"), source: .queue("notifications.queries"), prefetch: 1, logger: quiet)
            try await running(consumer) {
                #expect(try await broker.publish(as: "notifications", to: "retry.1s.a", "notifications.queries") == .confirmed)
                let delivery = try #require(try await consumer.next(limit: 1).first)
                #expect(delivery.exchange == "")
                await consumer.acknowledge([delivery.tag])
            }
        }

        @Test func `a command that its worker keeps rejecting becomes a dead letter`() async throws {
            let (broker, definitions) = try await Broker.withTopology()
            let letters = Consumer(configuration: try broker.connection(as: "deadletters"), source: .queue("dead-letters"), prefetch: 100, logger: quiet)
            let worker = Consumer(configuration: try broker.connection(as: "payments"), source: .queue("payments.commands"), prefetch: 1, logger: quiet)
            #expect(definitions.policies.first { $0.name == "commands" }?.definition["delivery-limit"] == 20)
            try await broker.server.management.send("DELETE", "/api/queues/%2F/payments.commands/contents")
            #expect(try await broker.publish(as: "orders", to: "requests", "payments.charge") == .confirmed)
            try await running(worker) {
                for _ in 0...20 {
                    let deliveries = try await worker.next(limit: 1)
                    await worker.reject(deliveries.map(\.tag), requeue: true)
                }
                try await running(letters) {
                    var keys: [String] = []
                    while !keys.contains("payments.charge") {
                        let deliveries = try await letters.next(limit: 100)
                        keys += deliveries.map(\.routingKey)
                        await letters.acknowledge(deliveries.map(\.tag))
                    }
                }
            }
        }
    }
}
