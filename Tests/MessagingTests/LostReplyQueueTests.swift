import AMQP
import FoundationEssentials
import Logging
import Synchronization
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
            replies.address.withLock { $0 = "second" }
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

/// A reply queue whose name the test changes, as a lost connection does.
private final class ReplyQueue: MessageConsumer {
    let address: Mutex<String?>
    private let deliveries = AsyncStream<[Delivery]>.makeStream()

    init(address: String) {
        self.address = Mutex(address)
    }

    func deliver(_ properties: Properties) {
        deliveries.continuation.yield([
            Delivery(
                tag: DeliveryTag(generation: 1, number: 1), exchange: "replies", routingKey: "second", redelivered: false,
                properties: properties, body: [])
        ])
    }

    func next(limit: Int) async throws -> [Delivery] {
        for await delivered in deliveries.stream { return delivered }
        throw CancellationError()
    }

    func acknowledge(_ tags: [DeliveryTag]) async {}
    func reject(_ tags: [DeliveryTag], requeue: Bool) async {}
    func release(_ tags: [DeliveryTag]) async {}
    func stopConsuming() async {}
    var replyAddress: String? { get async { address.withLock { $0 } } }
}

/// Time stands still: no deadline passes.
private struct StandingClock: WallClock {
    func now() -> Date { Date(timeIntervalSince1970: 1_800_000_000) }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: .milliseconds(1)) }
}
