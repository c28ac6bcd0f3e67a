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
}
