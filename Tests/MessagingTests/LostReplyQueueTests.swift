import AMQP
import FoundationEssentials
import Logging
import TestKit
import Testing

@testable import Messaging
@testable import Runtime

@Suite struct `Reply queues` {
    @Test func `a request whose reply queue is lost fails at once, and the next one uses the new queue`() async throws {
        let replies = ReplyQueue(address: "first")
        let publisher = ScriptedPublisher()
        let client = RequestClient(
            commands: publisher, queries: publisher, replies: replies, clock: StandingClock(), randomness: CountingRandomness(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            let request = Request(id: UUID(), operation: "carts.carts.get", body: [])
            let first = Task { try await client.send(request, durability: .query, timeout: .seconds(3_600)) }
            try await eventually { publisher.publications.count == 1 }
            replies.move(to: "second")
            await #expect(throws: RequestClient.Unanswered.timedOut) { _ = try await first.value }

            let second = Task { try await client.send(request, durability: .query, timeout: .seconds(3_600)) }
            try await eventually { publisher.publications.count == 2 }
            #expect(publisher.publications.map(\.properties.replyTo) == ["first", "second"])
            let properties = Properties(correlationID: publisher.publications[1].properties.correlationID)
            replies.deliver(properties)
            _ = try await second.value
            group.cancelAll()
        }
    }

    @Test func `a service that asks before its process has a reply queue waits for the queue, but no longer than for the reply`() async throws {
        let replies = ReplyQueue(address: nil)
        let publisher = ScriptedPublisher()
        let clock = StandingClock()
        let client = RequestClient(
            commands: publisher, queries: publisher, replies: replies, clock: clock, randomness: CountingRandomness(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let request = Request(id: UUID(), operation: "catalog.products.price", body: [])
        let late = Task { try await client.ask(request, .query, .seconds(2)) }
        try await eventually { clock.sleeps > 0 }
        clock.advance(by: 3)
        await #expect(throws: RequestClient.Unanswered.refused("the broker accepts no requests at the moment")) { _ = try await late.value }

        let sleeps = clock.sleeps
        let question = Task { try await client.ask(request, .query, .seconds(2)) }
        try await eventually { clock.sleeps > sleeps }
        replies.move(to: "first")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            try await eventually { publisher.publications.count == 1 }
            replies.deliver(Properties(correlationID: publisher.publications[0].properties.correlationID))
            _ = try await question.value
            group.cancelAll()
        }
    }
}
