import AMQP
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Full dead letters` {
        @Test func `a message without room among the dead letters stays in its queue, and does not block others`() async throws {
            let scene = try await Scene()
            try await scene.setPolicy("full", on: "^dead-letters$", #"{"max-length": 1, "overflow": "reject-publish", "delivery-limit": 1000000}"#)
            try await Self.fill(scene)
            let poison = try Accounts.messages(5, to: "poison")
            try await scene.send(poison)
            let definition = Accounts.definition { entry in
                if entry.account == "poison" { throw Failure("poison", "cannot be handled") }
            }
            try await WorkerProcess.with(definition, in: scene) { _ in
                try await scene.send(Accounts.messages(10))
                _ = try await scene.notices(10)
                try await scene.removePolicy("full")
                let ids = Set(poison.map(\.properties.messageID))
                _ = try await scene.take(from: "dead-letters") { ids.isSubset(of: $0.map(\.properties.messageID)) }
            }
            #expect(try await scene.balance() == 10)
        }

        /// Until it refuses; RabbitMQ accepts some more than the limit.
        private static func fill(_ scene: Scene) async throws {
            let publisher = Publisher(configuration: scene.configuration, logger: quiet)
            try await running(publisher) {
                let letter = Publication(exchange: Exchange.deadLetters, routingKey: Accounts.queue, properties: Properties(persistent: true), body: [])
                var outcome = PublishOutcome.confirmed
                while outcome == .confirmed { outcome = try #require(await publisher.publish([letter]).first) }
                #expect(outcome == .refused)
            }
        }
    }
}
