import AMQP
import Contracts
import FoundationEssentials
import Metrics
import MetricsTestKit
import PostgreSQL
import TestKit
import Testing

@testable import JSON
@testable import Messaging

/// The metrics of a worker.
@Suite struct `Worker metrics` {
    /// Processes the deliveries as one batch, `times` times.
    private func metrics(_ times: Int = 1, _ deliveries: (Ledger) throws -> [Delivery]) async throws -> TestMetrics {
        let metrics = TestMetrics()
        let ledger = try await Ledger()
        try await withMetricsFactory(metrics) {
            let processor = ledger.processor()
            for _ in 0..<times { await processor.process(try deliveries(ledger)) }
        }
        await ledger.database.close()
        return metrics
    }

    private func count(_ metrics: TestMetrics, _ outcome: String, operation: String = "ledger.add") -> Int64 {
        (try? metrics.expectCounter("wharf_messages_total", [("service", "ledger"), ("operation", operation), ("outcome", outcome)]).totalValue) ?? 0
    }

    @Test func `the messages of a batch are counted by operation and outcome`() async throws {
        let metrics = try await metrics { ledger in
            try (1...5).map { try ledger.delivery(.init(account: "a", amount: 1), id: UUID(), tag: $0) }
                + [
                    ledger.delivery(.init(account: "later", amount: 1), id: UUID(), tag: 6),
                    ledger.delivery(.init(account: "poison", amount: 1), id: UUID(), tag: 7),
                    ledger.delivery(.init(account: "a", amount: 1), id: UUID(), tag: 8, operation: "no.such.operation"),
                ]
        }
        #expect(count(metrics, "handled") == 5)
        #expect(count(metrics, "retried") == 1)
        #expect(count(metrics, "dead-lettered") == 1)
        // The operation's name is the sender's.
        #expect(count(metrics, "dead-lettered", operation: "unknown") == 1)
        let queue = [("service", "ledger"), ("queue", "ledger.commands")]
        #expect(try metrics.expectCounter("wharf_dead_letters_total", queue).totalValue == 2)
        #expect(try metrics.expectCounter("wharf_message_retries_total", queue + [("rung", "1s")]).totalValue == 1)
        // The counter exists before its first event.
        #expect(try metrics.expectCounter("wharf_message_retries_total", queue + [("rung", "10m")]).totalValue == 0)
        #expect(try metrics.expectCounter("wharf_messages_sent_total", [("service", "ledger"), ("message", "ledger.added")]).totalValue == 5)
        #expect(try metrics.expectRecorder("wharf_batch_messages", queue).lastValue == 8)
        #expect(try metrics.expectRecorder("wharf_message_duration_seconds", [("service", "ledger"), ("operation", "ledger.add")]).values.count == 1)
    }

    @Test func `a duplicate is an inbox hit, and the messages that it sends again are not counted`() async throws {
        let id = UUID()
        let metrics = try await metrics(3) { [try $0.delivery(.init(account: "a", amount: 1), id: id, tag: 1)] }
        #expect(count(metrics, "handled") == 1)
        #expect(count(metrics, "repeated") == 2)
        #expect(try metrics.expectCounter("wharf_inbox_hits_total", [("service", "ledger")]).totalValue == 2)
        #expect(try metrics.expectCounter("wharf_messages_sent_total", [("service", "ledger"), ("message", "ledger.added")]).totalValue == 1)
    }

    @Test func `a batch records the wait of its oldest message`() async throws {
        let metrics = try await metrics { ledger in
            try [40, 90, 10].enumerated().map { index, seconds in
                let request = Request(id: UUID(), operation: "ledger.add", body: try JSON.encode(Ledger.Entry(account: "a", amount: 1)))
                let sent = ledger.clock.now().addingTimeInterval(-Double(seconds))
                return Ledger.delivery(request.publication(durability: .durable, now: sent), tag: UInt64(index + 1))
            }
        }
        #expect(try metrics.expectRecorder("wharf_queue_wait_seconds", [("service", "ledger"), ("queue", "ledger.commands")]).values == [90])
    }

    @Test func `the age of held messages is that of the oldest unsettled batch`() {
        let held = HeldMessages()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(held.age(at: now) == 0)
        let first = held.took(now.addingTimeInterval(-60))
        let second = held.took(now.addingTimeInterval(-5))
        #expect(held.age(at: now) == 60)
        held.settled(first)
        #expect(held.age(at: now) == 5)
        // The clocks of machines differ.
        #expect(held.age(at: now.addingTimeInterval(-10)) == 0)
        held.settled(second)
        #expect(held.age(at: now) == 0)
    }

    @Test(arguments: [
        (Int64?(1_800_000_000), Int64?.none, 1_800_000_000.0 as Double?), (1_800_000_000, 1_800_000_600, 1_800_000_600), (nil, 1_800_000_600, 1_800_000_600), (nil, nil, nil),
        (.max, nil, nil), (-1, nil, nil), (nil, .min, nil),
    ])
    func `a message came to its queue when it was sent, or when the ladder sent it back`(sent: Int64?, died: Int64?, expected: Double?) {
        var properties = Properties()
        properties.timestamp = sent
        if let died { properties.headers["x-death"] = .array([.table(["time": .timestamp(died), "reason": "expired"]), .table(["time": .timestamp(1)])]) }
        let delivery = Delivery(tag: DeliveryTag(generation: 1, number: 1), exchange: "", routingKey: "", redelivered: false, properties: properties, body: [])
        #expect(delivery.queuedAt.map(\.timeIntervalSince1970) == expected)
    }
}
