import AMQP
import FoundationEssentials
import Logging
import PostgreSQL
import ServiceLifecycle
import Synchronization
import Testing

@testable import JSON
@testable import Messaging

/// The outputs of a message cannot be published for a while.
@Suite struct HeldPublicationTests {
    private let id = UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// A broker with a memory alarm while the switch is on: it accepts nothing, and reports this after the first attempt.
    private final class AlarmedPublisher: MessagePublisher {
        let alarm = Switch(true)
        private let taken = Mutex<[Publication]>([])

        func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome] {
            guard !alarm.isOn else { return publications.map { _ in .failed(AMQPError(.blocked, "memory", isTransient: true)) } }
            taken.withLock { $0 += publications }
            return publications.map { _ in .confirmed }
        }

        var isBlocked: Bool { alarm.isOn }
        var isConnected: Bool { true }
        var publications: [Publication] { taken.withLock { $0 } }
    }

    @Test func `an alarm of many minutes returns no message, and all outputs are sent when it is over`() async throws {
        let ledger = try await Ledger()
        let publisher = AlarmedPublisher()
        let end = ledger.clock.now().addingTimeInterval(15 * 60)
        ledger.clock.onSleep { [clock = ledger.clock] _ in if clock.now() > end { publisher.alarm.isOn = false } }
        let batch = try (1...3 as ClosedRange<UInt64>).map { try ledger.delivery(.init(account: "a", amount: 5), id: UUID(), tag: $0) }
        await ledger.processor(publisher: publisher).process(batch)
        #expect(ledger.consumer.released.isEmpty)
        #expect(ledger.consumer.acknowledged.count == 3)
        #expect(publisher.publications.flatMap { Bundle.open(Ledger.delivery($0, tag: 1)) }.map(\.exchange) == Array(repeating: Exchange.events, count: 3))
        await ledger.database.close()
    }

    @Test func `an alarm that outlasts the acknowledgement timeout returns the message before its channel is closed`() async throws {
        let ledger = try await Ledger()
        let start = ledger.clock.now()
        await ledger.processor(publisher: AlarmedPublisher()).process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        #expect(ledger.consumer.released.map(\.number) == [1])
        let held = ledger.clock.now().timeIntervalSince(start)
        #expect(held > 19 * 60 && held < 25 * 60)
        await ledger.database.close()
    }

    @Test func `a message whose outputs an accepting broker does not confirm waits on the ladder`() async throws {
        let late = AMQPError(.deadlineExceeded, "no confirm in time", isTransient: true)
        let ledger = try await Ledger { $0.exchange == Exchange.events ? .failed(late) : .confirmed }
        await ledger.processor().process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        let sent = ledger.publisher.publications
        #expect(sent.count { $0.exchange == Exchange.events } == RetryingPublisher.maximumAttempts)
        #expect(sent.last?.exchange.hasPrefix("retry.") == true)
        #expect(sent.last?.properties.headers[HeaderName.cause] == .string("not-confirmed"))
        #expect(ledger.consumer.released.isEmpty)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1])
        await ledger.database.close()
    }

    @Test func `after a reconnect the outputs are sent again, under the same ids`() async throws {
        let isLost = Switch(true)
        let ledger = try await Ledger { _ in
            guard isLost.isOn else { return .confirmed }
            isLost.isOn = false
            return .failed(AMQPError(.connectionLost, "cut", isTransient: true))
        }
        await ledger.processor().process([try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)])
        #expect(ledger.publisher.publications.count == 2)
        #expect(Set(ledger.publisher.publications.map(\.properties.messageID)).count == 1)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1])
        await ledger.database.close()
    }

    @Test func `a worker that stops returns the messages whose outputs it cannot send`() async throws {
        let ledger = try await Ledger()
        let delivery = try ledger.delivery(.init(account: "a", amount: 5), id: id, tag: 1)
        let processor = ledger.processor(publisher: AlarmedPublisher())
        ledger.clock.onSleep { _ in throw CancellationError() }
        await processor.process([delivery])
        #expect(ledger.consumer.released == [delivery.tag])
        #expect(ledger.consumer.acknowledged.isEmpty)
        await ledger.database.close()
    }

    @Test func `a returned output is not acknowledged`() async throws {
        let ledger = try await Ledger { $0.exchange.hasPrefix("retry.") ? .returned(code: 312, reason: "NO_ROUTE") : .confirmed }
        let publications = try (1...2).map { number in
            Request(id: UUID(), operation: "ledger.add", body: try JSON.encode(Ledger.Entry(account: "a", amount: number)))
                .publication(durability: .durable, now: .now)
        }
        var bundle = try #require(Bundle.pack(publications).first?.publication)
        bundle.properties.headers["x-delivery-count"] = .integer(Int64(BatchProcessor.suspectAfter))
        await ledger.processor().process([Ledger.delivery(bundle, tag: 1)])
        #expect(ledger.consumer.acknowledged.isEmpty)
        #expect(ledger.consumer.released.map(\.number) == [1])
        await ledger.database.close()
    }
}
