import AMQP
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Messaging

/// Handlers that return one value too few for a batch.
@Suite struct HandlerCountTests {
    private func deliveries(_ ledger: Ledger, _ operation: String = "ledger.add") throws -> [Delivery] {
        try (1...3).map { try ledger.delivery(.init(account: "a\($0)", amount: $0), id: UUID(), tag: UInt64($0), operation: operation) }
    }

    @Test func `no message gets another message's outcome: each is handled by itself`() async throws {
        let ledger = try await Ledger()
        let forgetful = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, transaction in
            let outcomes = try await Ledger.add(items.map(\.input), on: transaction)
            return items.count > 1 ? Array(outcomes.dropFirst()) : outcomes
        }
        await ledger.processor([forgetful]).process(try deliveries(ledger))
        #expect(ledger.statuses == [201, 201, 201])
        for number in 1...3 { #expect(try await ledger.balance("a\(number)") == number) }
        await ledger.database.close()
    }

    @Test func `a message that gets no outcome even then is tried later, with the cause`() async throws {
        let ledger = try await Ledger()
        let silent = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { _, _ in [] }
        await ledger.processor([silent]).process(try deliveries(ledger))
        #expect(ledger.statuses == [])
        #expect(ledger.publisher.publications.map { $0.properties.headers[HeaderName.cause] } == Array(repeating: .string("handler-miscount"), count: 3))
        await ledger.database.close()
    }

    @Test func `no message is performed with another message's plan`() async throws {
        let ledger = try await Ledger()
        let performed = Mutex<[String: String]>([:])
        let pay = Operation.external(
            "ledger.pay", reading: Operation.contract(Ledger.Entry.self),
            prepare: { items, _ in items.map(\.input.account).suffix(max(1, items.count - 1)) },
            perform: { items in
                performed.withLock { for item in items { $0[item.item.input.account] = item.plan } }
                return items
            },
            complete: { items, _ in items.map { _ in .done() } })
        await ledger.processor([pay]).process(try deliveries(ledger, "ledger.pay"))
        #expect(performed.withLock { $0 } == ["a1": "a1", "a2": "a2", "a3": "a3"])
        await ledger.database.close()
    }
}
