import AMQP
import FoundationEssentials
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import PostgreSQL

/// The first statements of a handler travel with those of the inbox; their results are never served for other keys, nor after a write.
@Suite(.timeLimit(.minutes(3))) struct ReadAheadTests {
    /// Answers each statement with the number of statements so far.
    private final class Server: SQLConnection {
        let statements = Mutex<[SQL]>([])

        func query(_ sql: SQL) async throws -> Rows { try await pipeline([sql])[0] }

        func pipeline(_ statements: [SQL]) async throws -> [Rows] {
            statements.map { statement in
                self.statements.withLock { all in
                    all.append(statement)
                    return Self.rows(all.count)
                }
            }
        }

        func enqueue(_ sql: SQL) async throws { _ = try await query(sql) }

        static func rows(_ number: Int) -> Rows { Rows(result: nil, affected: number, commandTag: "") }
    }

    private static func select(_ ids: [Int]) -> SQL { "SELECT \(ids)" }

    @Test func `the first call for these statements is answered without the server`() async throws {
        let server = Server()
        let ahead = ReadAhead([Self.select([1]), Self.select([2])], [Server.rows(70), Server.rows(80)], in: server)
        #expect(try await ahead.pipeline([Self.select([1]), Self.select([2])]).map(\.affected) == [70, 80])
        #expect(try await ahead.pipeline([Self.select([1]), Self.select([2])]).map(\.affected) == [1, 2])
        #expect(try await ReadAhead([Self.select([1])], [Server.rows(70)], in: server).query(Self.select([1])).affected == 70)
        #expect(server.statements.withLock { $0.count } == 2)
    }

    @Test func `other values, other statements, and whatever follows a write go to the server`() async throws {
        let server = Server()
        func ahead() -> ReadAhead { ReadAhead([Self.select([1])], [Server.rows(70)], in: server) }
        #expect(try await ahead().query(Self.select([1, 2])).affected == 1)
        #expect(try await ahead().query("SELECT 1").affected == 2)
        #expect(try await ahead().pipeline([Self.select([1]), Self.select([1])]).map(\.affected) == [3, 4])
        let written = ahead()
        try await written.enqueue("DELETE FROM accounts")
        #expect(try await written.query(Self.select([1])).affected == 6)
        let asked = ahead()
        _ = try await asked.query("SELECT 1")
        #expect(try await asked.query(Self.select([1])).affected == 8)
    }

    /// Reads the balances, then writes the sums: a read that is too old loses a write.
    private func summing(_ key: String) -> Operation {
        @Sendable func balances(_ entries: [Ledger.Entry]) -> SQL {
            "SELECT name, balance FROM accounts WHERE name = ANY(\(Set(entries.map(\.account)).sorted())) ORDER BY name FOR UPDATE"
        }
        return .command(key, reading: Operation.contract(Ledger.Entry.self), ahead: { [balances($0.map(\.input))] }) { items, transaction in
            var sums: [String: Int] = [:]
            for row in try await transaction.query(balances(items.map(\.input))) { sums[try row.decode("name")] = try row.decode("balance") }
            for item in items { sums[item.input.account, default: 0] += item.input.amount }
            let changes = sums.sorted { $0.key < $1.key }
            try await transaction.enqueue(
                "UPDATE accounts SET balance = new.balance FROM unnest(\(changes.map(\.key)), \(changes.map(\.value))) AS new (name, balance) WHERE accounts.name = new.name")
            return items.map { _ in .done() }
        }
    }

    @Test func `no write is lost, with several kinds in a batch, duplicates, and two workers`() async throws {
        let ledger = try await Ledger()
        try await ledger.database.withConnection { _ = try await $0.execute("INSERT INTO accounts VALUES ('a', 0), ('b', 0)") }
        let kinds = ["ledger.sum", "ledger.sumToo"]
        let deliveries = try (0..<120).map { number in
            try ledger.delivery(
                .init(account: number.isMultiple(of: 3) ? "b" : "a", amount: 1), id: UUID(), tag: UInt64(number), operation: kinds[number % 5 == 0 ? 1 : 0])
        }
        let processor = ledger.processor(kinds.map(summing))
        await withTaskGroup(of: Void.self) { workers in
            for start in 0..<2 {
                // Of one kind, of both, and each batch twice.
                workers.addTask {
                    for size in [1, 7, 20] {
                        for first in stride(from: start * size, to: deliveries.count, by: 2 * size) {
                            await processor.process(Array(deliveries[first..<min(first + size, deliveries.count)]))
                        }
                    }
                }
            }
        }
        #expect(try await ledger.balance("a") == 80)
        #expect(try await ledger.balance("b") == 40)
        await ledger.database.close()
    }
}
