import AMQP
import FoundationEssentials
import PostgreSQL
import Runtime
import Synchronization
import TestKit
import Testing
import Traces
import Tracing

@testable import JSON
@testable import Messaging

private struct Chance: Randomness {
    func uuid() -> UUID { UUID() }
    func fraction() -> Double { 0.5 }
}

/// In which span each account was dealt with.
private final class Called: Sendable {
    let spans = Mutex<[String: TraceContext]>([:])
}

/// What a worker records of its messages.
@Suite struct `Spans of messages` {
    private static let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private let buffer = SpanBuffer()

    private func processor(of ledger: Ledger, _ operations: [Messaging.Operation] = [Ledger.add]) -> BatchProcessor {
        var processor = ledger.processor(operations)
        processor.tracer = SpanTracer(buffer: buffer, clock: ledger.clock, randomness: Chance())
        return processor
    }

    private func delivery(_ ledger: Ledger, _ account: String, tag: UInt64 = 1, id: UUID = UUID(), traceparent: String? = caller) throws -> Delivery {
        let delivery = try ledger.delivery(.init(account: account, amount: 1), id: id, tag: tag)
        var properties = delivery.properties
        properties.headers[HeaderName.traceparent] = traceparent.map { .string($0) }
        return Delivery(
            tag: delivery.tag, exchange: delivery.exchange, routingKey: delivery.routingKey, redelivered: false, properties: properties, body: delivery.body)
    }

    private func traceparent(_ delivery: Delivery) -> TraceContext? {
        guard case .string(let text)? = delivery.properties.headers[HeaderName.traceparent] else { return nil }
        return TraceContext(text)
    }

    @Test func `each message of a batch is handled below its sender's span, and what it leads to is sent below that`() async throws {
        let ledger = try await Ledger()
        let other = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
        await processor(of: ledger).process([
            try delivery(ledger, "a", tag: 1), try delivery(ledger, "b", tag: 2, traceparent: other), try delivery(ledger, "c", tag: 3, traceparent: nil),
        ])
        let spans = buffer.take(100)
        #expect(spans.count == 6)
        for (trace, parent) in [("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), ("1af7651916cd43dd8448eb211c80319c", "c7ad6b7169203331")] {
            let own = spans.filter { $0.trace.traceID == trace }
            let handling = try #require(own.first { $0.name == "handle ledger.add" })
            let sending = try #require(own.first { $0.name == "publish ledger.added" })
            #expect(handling.parentID == parent && handling.kind == .consumer && handling.status == nil)
            #expect(sending.parentID == handling.trace.spanID && sending.kind == .producer)
            // The message names the span of its sending: its handling is below that.
            #expect(ledger.sent.contains { traceparent($0) == sending.trace })
        }
        #expect(spans.count { $0.parentID == nil } == 1, "a message without a trace begins one")
        await ledger.database.close()
    }

    @Test func `a retry is another span below the same sender, and the first one says why it failed`() async throws {
        let ledger = try await Ledger()
        await processor(of: ledger).process([try delivery(ledger, "later")])
        let again = try #require(ledger.sent.last)
        #expect(traceparent(again)?.header == Self.caller)
        await processor(of: ledger).process([again])
        let spans = buffer.take(100)
        #expect(spans.map(\.parentID) == ["b7ad6b7169203331", "b7ad6b7169203331"])
        #expect(spans.map(\.status?.message) == ["not-now", "not-now"])
        #expect(spans.map { $0.attributes.get("wharf.attempt") } == [1, 2])
        await ledger.database.close()
    }

    @Test func `outputs that are sent once more from the inbox are in the trace of what led to them`() async throws {
        let ledger = try await Ledger()
        await processor(of: ledger).process([try delivery(ledger, "a")])
        let handling = try #require(buffer.take(100).first { $0.kind == .consumer })
        let broker = ScriptedPublisher()
        let republisher = InboxRepublisher(database: ledger.database, publisher: broker, clock: ledger.clock)
        #expect(try await republisher.republish(since: ledger.clock.now().addingTimeInterval(-60)).sent == 1)
        let sent = try #require(broker.publications.first)
        #expect(traceparent(Ledger.delivery(sent, tag: 1)) == handling.trace)
        await ledger.database.close()
    }

    @Test func `a trace that is not recorded goes on, and leaves no span and nothing in the inbox`() async throws {
        let ledger = try await Ledger()
        await processor(of: ledger).process([try delivery(ledger, "a", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")])
        #expect(buffer.count == 0)
        #expect(ledger.sent.allSatisfy { traceparent($0)?.traceID == "0af7651916cd43dd8448eb211c80319c" && traceparent($0)?.isSampled == false })
        let rows = try await ledger.database.withConnection { try await $0.query("SELECT outputs::text AS outputs FROM inbox") }
        #expect(rows.count == 1)
        for row in rows { #expect(try !row.decode("outputs", as: String.self).contains("traceparent")) }
        await ledger.database.close()
    }

    @Test func `without a tracer a message keeps the trace that it came with`() async throws {
        let ledger = try await Ledger()
        await ledger.processor().process([try delivery(ledger, "a")])
        #expect(ledger.sent.map { traceparent($0)?.header } == [Self.caller])
        await ledger.database.close()
    }

    @Test func `what an external operation calls happens in the span of the message that it is called for`() async throws {
        let ledger = try await Ledger()
        let called = Called()
        let operation = Messaging.Operation.external(
            "ledger.add", reading: Messaging.Operation.contract(Ledger.Entry.self),
            prepare: { items, _ in items.map { _ in 0 } },
            perform: { items in
                await items.concurrentMap(limit: 4) { item, _ in
                    called.spans.withLock { $0[item.input.account] = InstrumentationContext.current?.trace }
                    return 0
                }
            },
            complete: { items, _ in items.map { _ in .done() } })
        await processor(of: ledger, [operation]).process([try delivery(ledger, "a", tag: 1), try delivery(ledger, "b", tag: 2)])
        let spans = buffer.take(100)
        let found = called.spans.withLock { $0 }
        #expect(Set(found.keys) == ["a", "b"] && Set(found.values.map(\.spanID)) == Set(spans.map(\.trace.spanID)))
        await ledger.database.close()
    }
}
